use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use support::{Random, figure, patient};

use crate::change::{Form, change};
use crate::corpus::{keep, kept};

/// Far above what any input may take: longer hangs.
const LONGEST: Duration = Duration::from_secs(10);
const LARGEST: usize = 256 << 10;
/// Of kinds that are changed further; more are only counted.
const MOST: usize = 4096;

#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    /// What the product itself ships or makes.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// What a reader of this form looks for.
    pub(crate) words: &'static [&'static str],
    /// Says of which kind the input is; panics where a rule is broken.
    pub(crate) tried: fn(&[u8]) -> String,
}

/// Panics with the place of an input that the target cannot take.
pub(crate) fn hunt(target: &Target) {
    let (tell, told) = mpsc::channel();
    let now = Arc::new(Mutex::new(Vec::new()));
    let (hunted, shown) = (target.clone(), Arc::clone(&now));
    let hunter = std::thread::spawn(move || Hunt::new(&hunted, &shown, &tell).all());
    loop {
        match told.recv_timeout(patient(LONGEST)) {
            Ok(()) => (),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                let input = now.lock().unwrap_or_else(PoisonError::into_inner).clone();
                panic!("more than {LONGEST:?} for {}", keep(target.name, "hang", &input).display());
            }
        }
    }
    if let Err(panic) = hunter.join() {
        std::panic::resume_unwind(panic);
    }
}

struct Hunt<'a> {
    target: &'a Target,
    /// The input that is tried now.
    now: &'a Mutex<Vec<u8>>,
    /// A word after each input.
    tell: &'a mpsc::Sender<()>,
    random: Random,
    corpus: Vec<Vec<u8>>,
    kinds: HashSet<String>,
    count: u64,
}

impl<'a> Hunt<'a> {
    fn new(target: &'a Target, now: &'a Mutex<Vec<u8>>, tell: &'a mpsc::Sender<()>) -> Self {
        let seed = Random::seed_of("STOCKADE_FUZZ_SEED");
        figure(format!("fuzz {}: seed {seed}", target.name));
        let (random, corpus, kinds) = (Random::new(seed), Vec::new(), HashSet::new());
        Self { target, now, tell, random, corpus, kinds, count: 0 }
    }

    fn all(mut self) {
        let seconds = std::env::var("STOCKADE_FUZZ_SECONDS").ok();
        let seconds = seconds.map_or(5, |text| text.parse().expect("STOCKADE_FUZZ_SECONDS is a number"));
        for (_, input) in kept(self.target.name) {
            self.tried(input);
        }
        for input in (self.target.seeds)() {
            self.tried(input);
        }
        let (start, given) = (Instant::now(), self.kinds.len());
        while start.elapsed() < Duration::from_secs(seconds) {
            let input = change(self.target.form, &self.corpus, self.target.words, &mut self.random);
            if self.tried(input.clone()) && std::env::var_os("STOCKADE_FUZZ_KEEP").is_some() {
                keep(self.target.name, "kind", &input);
            }
        }
        let (name, count, found) = (self.target.name, self.count, self.kinds.len() - given);
        figure(format!(
            "fuzz {name}: {count} inputs in {seconds} s, {given} kinds given, {found} more found"
        ));
    }

    /// Whether it is the first of its kind.
    fn tried(&mut self, mut input: Vec<u8>) -> bool {
        input.truncate(LARGEST);
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&input);
        let kind = catch_unwind(AssertUnwindSafe(|| (self.target.tried)(&input))).unwrap_or_else(|panic| {
            figure(format!("broken by {}", keep(self.target.name, "broken", &input).display()));
            std::panic::resume_unwind(panic)
        });
        self.count += 1;
        let _ = self.tell.send(());
        let first = self.kinds.len() < MOST && self.kinds.insert(kind);
        if first {
            self.corpus.push(input);
        }
        first
    }
}
