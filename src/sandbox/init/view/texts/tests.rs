use super::*;

#[test]
fn memory_is_the_limit_and_all_of_it_free() {
    let text = meminfo(256 << 20);
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(|rest| rest.trim().to_owned())
    };
    for name in ["MemTotal", "MemFree", "MemAvailable", "CommitLimit"] {
        assert_eq!(value(name).as_deref(), Some("262144 kB"), "{name}");
    }
    // free(1) fails without these.
    for name in ["SwapTotal", "SwapFree", "Buffers", "Cached", "SReclaimable", "Shmem"] {
        assert_eq!(value(name).as_deref(), Some("0 kB"), "{name}");
    }
    assert_eq!(text.lines().next(), Some("MemTotal:         262144 kB"));
}

#[test]
fn cpuinfo_has_the_jobs_processors_with_their_true_numbers() {
    let block = |number: u16, core: u16| {
        let text = format!(
            "processor\t: {number}\nphysical id\t: 0\nsiblings\t: 4\ncore id\t\t: {core}\ncpu cores\t: 2\npower management:"
        );
        (number, text)
    };
    let all = [block(0, 0), block(1, 0), block(2, 1), block(3, 1)];
    let text = cpuinfo(&all, &[1, 2, 3]);
    assert_eq!(text.matches("processor\t: ").count(), 3, "{text}");
    assert!(text.starts_with("processor\t: 1\n") && text.ends_with("power management:\n\n"), "{text}");
    assert_eq!(text.matches("siblings\t: 3\n").count(), 3, "{text}");
    assert_eq!(text.matches("cpu cores\t: 2\n").count(), 3, "{text}");
    let text = cpuinfo(&all, &[3]);
    assert!(text.contains("siblings\t: 1\n") && text.contains("cpu cores\t: 1\n"), "{text}");
    assert_eq!(cpuinfo(&all, &[]), "");
}

#[test]
fn stat_has_a_line_for_each_processor_and_the_start() {
    let text = stat(&[1, 3], 1_700_000_000);
    let names: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names[..3], ["cpu", "cpu1", "cpu3"]);
    assert!(text.contains("\nbtime 1700000000\n"), "{text}");
}

#[test]
fn lists_join_neighbours() {
    assert_eq!(list(&[0]), "0\n");
    assert_eq!(list(&[0, 1, 2, 5]), "0-2,5\n");
    assert_eq!(list(&[3, 7, 8]), "3,7-8\n");
    assert_eq!(list(&[]), "\n");
}
