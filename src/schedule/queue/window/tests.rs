use super::*;

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn nothing_is_forgotten_within_a_minute_and_everything_a_second_later() {
    for first in [0, 1, 500, 999, 61_000, 61_500, 1_000_999] {
        let mut window = Window::default();
        window.add(at(first));
        assert_eq!(window.count(at(first)), 1);
        assert_eq!(window.count(at(first + 60_000)), 1, "of {first}");
        assert_eq!(window.count(at(first + 61_000)), 0, "of {first}");
    }
}

#[test]
fn counts_what_a_list_of_times_counts() {
    let (mut window, mut list) = (Window::default(), Vec::new());
    let mut now = 0;
    for step in [0, 300, 900, 15_000, 30_000, 14_000, 200, 61_000, 5, 59_999, 1, 500_000, 7] {
        now += step;
        window.add(at(now));
        list.push(now);
        for later in [0, 1_000, 30_000, 60_000, 90_000] {
            let seconds = |time: u64| time / 1_000;
            let expected = list.iter().filter(|time| seconds(**time) + 61 > seconds(now + later)).count();
            assert_eq!(window.count(at(now + later)) as usize, expected, "at {now} + {later}");
        }
    }
}

#[test]
fn tells_when_there_is_room_again() {
    let mut window = Window::default();
    for time in [500, 700, 20_000] {
        window.add(at(time));
    }
    let now = at(30_000);
    for (most, expected) in [(1, 81_000), (2, 61_000), (3, 61_000)] {
        let wait = window.until_below(most, now);
        assert_eq!(now + wait, at(expected), "for {most}");
        assert!(window.count(now + wait) < most);
        assert!(window.count(at(expected - 1)) >= most);
    }
    assert_eq!(window.until_below(4, now), Duration::ZERO);
}
