//! The verbs that ask a server.

mod broken;
mod completion;
mod listed;
mod reached;
mod refused;
mod waited;

use std::process::{Child, Command, Stdio};

use serde_json::Value;
use support::{Case, Daemon, Needs, Ran, Who, cases, run_fed, stockade};

pub(crate) fn cases() -> Vec<Case> {
    let mut all = cases![
        waited::output_and_exit_code_are_the_jobs,
        waited::output_comes_while_the_job_runs_and_an_interrupt_leaves_it,
        waited::cases_that_do_not_succeed_are_named,
        waited::json_is_the_whole_job,
        waited::a_job_comes_from_a_file_or_stdin,
        listed::ps_filters_and_pages,
        listed::inspect_tells_what_matters,
        listed::logs_are_the_jobs_bytes,
        listed::a_part_of_an_id_is_enough,
        listed::cancel_and_rm,
        listed::pause_and_resume,
        reached::a_unix_socket,
        reached::https,
        refused::mistakes_are_named_by_their_option,
        refused::a_server_that_is_away,
        refused::ids_that_are_none,
        refused::tokens,
        refused::a_full_queue_is_asked_again,
        refused::the_same_key_makes_one_job,
        broken::logs_over_connections_that_break,
        broken::a_waited_job_over_connections_that_break,
        broken::a_reader_that_has_seen_enough,
    ];
    let bash = cases![completion::bash_lists_jobs, completion::bash_lists_images_and_volumes].into_iter();
    all.extend(bash.map(|case| case.needs(Needs::Program("bash"))));
    all
}

fn url(daemon: &Daemon) -> String {
    format!("http://{}", daemon.address)
}

/// `stockade VERB --server … REST`.
fn ask(daemon: &Daemon, words: &[&str]) -> Ran {
    ask_fed(daemon.who, &url(daemon), words, b"")
}

fn ask_fed(who: Who, server: &str, words: &[&str], stdin: &[u8]) -> Ran {
    let (verb, rest) = words.split_first().expect("a verb");
    run_fed(who, &[&[verb, "--server", server], rest].concat(), stdin)
}

/// What must succeed.
fn done(daemon: &Daemon, words: &[&str]) -> String {
    let ran = ask(daemon, words);
    assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
    ran.text()
}

fn submitted(daemon: &Daemon, words: &[&str]) -> String {
    let printed = done(daemon, &[&["submit"], words].concat());
    let id = printed.trim_end();
    assert!(printed.ends_with('\n') && id.len() == 36, "an id and nothing else: {printed:?}");
    id.to_owned()
}

/// Submits and waits for the end; the job.
fn ended(daemon: &Daemon, words: &[&str]) -> Value {
    daemon.ended(&submitted(daemon, words))
}

fn id(job: &Value) -> &str {
    job["id"].as_str().expect("a job has an id")
}

/// `stockade VERB --server … REST` that goes on by itself.
fn begun(who: Who, server: &str, words: &[&str]) -> Child {
    let (verb, rest) = words.split_first().expect("a verb");
    let mut command: Command = who.command(stockade());
    command.args([verb, "--server", server]).args(rest);
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    piped.spawn().expect("the binary starts")
}
