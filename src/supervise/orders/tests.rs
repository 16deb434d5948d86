use std::sync::Mutex;

use super::*;

#[derive(Default)]
struct Heard(Mutex<Vec<&'static str>>);

impl Watch for Heard {
    fn happened(&self, what: Happened) {
        self.0.lock().expect("no panic holds it").push(what.name());
    }
}

fn given(all: &[Order], can_pause: bool) -> (Orders, Arc<Heard>) {
    let (sender, inbox) = mpsc::channel(all.len().max(1));
    for order in all {
        sender.try_send(*order).expect("there is room");
    }
    let heard = Arc::new(Heard::default());
    (Orders::new(inbox, heard.clone(), can_pause), heard)
}

fn told(heard: &Heard) -> Vec<&'static str> {
    heard.0.lock().expect("no panic holds it").clone()
}

#[tokio::test]
async fn only_what_changes_something_is_an_order() {
    let all = [Order::Resume, Order::Pause, Order::Pause, Order::Signal(2), Order::Resume, Order::Cancel];
    let (mut orders, heard) = given(&all, true);
    for wish in [Wish::Pause, Wish::Signal(2), Wish::Resume, Wish::Cancel] {
        assert_eq!(orders.next().await, wish);
    }
    assert_eq!(told(&heard), ["paused", "resumed"]);
}

#[tokio::test]
async fn what_cannot_be_frozen_is_not_paused() {
    let (mut orders, heard) = given(&[Order::Pause, Order::Cancel], false);
    assert_eq!(orders.next().await, Wish::Cancel);
    assert!(!orders.are_paused() && told(&heard).is_empty());
}

#[tokio::test]
async fn the_next_program_waits_for_the_pause_to_end() {
    let (mut orders, _) = given(&[Order::Pause, Order::Signal(2), Order::Resume], true);
    assert_eq!(orders.next().await, Wish::Pause);
    assert!(orders.until_resumed().await.is_ok() && !orders.are_paused());
    let (mut orders, _) = given(&[Order::Pause, Order::Cancel], true);
    assert_eq!(orders.next().await, Wish::Pause);
    assert!(matches!(orders.until_resumed().await, Err(Broken::Cancelled)));
}

#[tokio::test]
async fn a_cancellation_counts_read_or_not() {
    let (mut orders, _) = given(&[Order::Signal(2), Order::Pause, Order::Cancel], true);
    assert!(orders.is_cancelled());
    let (mut orders, _) = given(&[Order::Cancel], true);
    assert_eq!(orders.next().await, Wish::Cancel);
    assert!(orders.is_cancelled());
    let (mut orders, _) = given(&[Order::Signal(2), Order::Pause], true);
    assert!(!orders.is_cancelled());
}

#[tokio::test]
async fn nobody_left_to_order_changes_nothing() {
    let (mut orders, _) = given(&[], true);
    tokio::select! {
        biased;
        wish = orders.next() => panic!("{wish:?}"),
        () = std::future::ready(()) => (),
    }
    assert!(orders.until_resumed().await.is_ok());
}
