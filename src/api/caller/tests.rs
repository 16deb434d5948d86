use axum::http::{Request, StatusCode};
use axum::response::IntoResponse;

use super::*;

fn caller(roles: &[Role]) -> Caller {
    Caller { tenant: "acme".into(), submitter: "ci".into(), roles: Roles::of(roles) }
}

async fn takes<T: FromRequestParts<(), Rejection = Problem>>(caller: Option<Caller>) -> StatusCode {
    let mut parts = Request::new(()).into_parts().0;
    caller.and_then(|caller| parts.extensions.insert(caller));
    match T::from_request_parts(&mut parts, &()).await {
        Ok(_) => StatusCode::OK,
        Err(problem) => problem.into_response().status(),
    }
}

#[tokio::test]
async fn a_handler_gets_who_has_its_role() {
    let (ok, no) = (StatusCode::OK, StatusCode::FORBIDDEN);
    let rows: [(&[Role], [StatusCode; 3]); 5] = [
        (&[], [no, no, no]),
        (&[Role::Read], [ok, no, no]),
        (&[Role::Submit], [no, ok, no]),
        (&[Role::Submit, Role::Read], [ok, ok, no]),
        (&[Role::Admin], [ok, ok, ok]),
    ];
    for (roles, expected) in rows {
        let who = || Some(caller(roles));
        let found =
            [takes::<Reader>(who()).await, takes::<Submitter>(who()).await, takes::<Admin>(who()).await];
        assert_eq!(found, expected, "{roles:?}");
        assert_eq!(takes::<Caller>(who()).await, ok, "{roles:?}");
    }
}

#[tokio::test]
async fn without_a_caller_nothing_is_done() {
    assert_eq!(takes::<Caller>(None).await, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(takes::<Reader>(None).await, StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn the_missing_role_is_named() {
    let problem = caller(&[Role::Read]).must_be(Role::Admin).expect_err("refused");
    assert_eq!((problem.status(), problem.name()), (StatusCode::FORBIDDEN, "forbidden"));
    assert_eq!(problem.cause(), "this needs the role `admin`, which the token does not have");
}

#[test]
fn others_jobs_are_there_for_administrators() {
    let (own, admin) = (caller(&[Role::Submit, Role::Read]), caller(&[Role::Admin]));
    assert!(own.sees("acme") && !own.sees("other") && !own.sees(""));
    assert!(admin.sees("acme") && admin.sees("other"));
    assert!(Caller::anonymous().sees("default"));
}
