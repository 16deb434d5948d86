use super::{Lock, Mode, is_held};

#[test]
fn a_dropped_lock_is_let_go_of_though_a_child_has_its_file() {
    let path = std::env::temp_dir().join(format!("stockade-lock-{}", std::process::id()));
    let lock = Lock::take(path.clone(), Mode::Exclusive).expect("free");
    // As one has it between fork(2) and execve(2).
    let _child = lock.file.try_clone().expect("a descriptor");
    assert!(is_held(&path).expect("a file"));
    drop(lock);
    assert!(!is_held(&path).expect("a file"));
    let again = Lock::attempt(path).expect("a file").expect("free");
    again.remove().expect("an own file");
}
