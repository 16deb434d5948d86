use super::*;

fn printed(bytes: &[u8]) -> Kept {
    let mut kept = Kept::new(1 << 20);
    kept.push(bytes);
    kept
}

fn judged(status: Status, exit_code: Option<i32>, stdout: &[u8], stderr: &[u8]) -> Checked {
    let checked = CaseResult { exit_code, ..CaseResult::new("c", status) };
    verdict(checked, &printed(stdout), &printed(stderr))
}

#[test]
fn zero_accepts_one_and_two_refuse_and_all_else_is_its_own_failure() {
    let status = |status, code| judged(status, code, b"", b"").status;
    assert_eq!(status(Status::Succeeded, Some(0)), Status::Succeeded);
    for code in [1, 2] {
        assert_eq!(status(Status::Failed, Some(code)), Status::WrongOutput);
    }
    for (ended, code) in [
        (Status::Failed, Some(3)),
        (Status::Failed, Some(127)),
        (Status::TimedOut, None),
        (Status::Signaled, None),
        (Status::MemoryExceeded, Some(1)),
        (Status::InternalError, None),
    ] {
        let checked = judged(ended, code, b"", b"");
        assert_eq!(checked.status, Status::Failed, "{ended:?}");
        assert_eq!(checked.cause.map(|cause| cause.kind).as_deref(), Some("checker"), "{ended:?}");
    }
    for no_verdict in [Status::Cancelled, Status::Lost] {
        assert_eq!(status(no_verdict, None), no_verdict);
    }
}

#[test]
fn its_first_line_says_why() {
    let detail = |stdout: &[u8], stderr: &[u8]| {
        judged(Status::Failed, Some(1), stdout, stderr).cause.expect("a cause").detail
    };
    assert_eq!(detail(b"3rd number is wrong\nmore\n", b"noise"), "3rd number is wrong");
    assert_eq!(detail(b"", b"wrong answer\n"), "wrong answer");
    assert_eq!(detail(b"", b""), "the checker ended with exit code 1");
    let said = judged(Status::Succeeded, Some(0), &b"\xff".repeat(5000), b"").said;
    assert!(said.len() <= MOST_SAID && !said.is_empty(), "{}", said.len());
}
