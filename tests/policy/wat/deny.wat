;; With all there is in a denial.
(func $act (result i32)
  (local $answer i32)
  (local.set $answer (call $deny @"{CODE}" @"{CODE} says no"))
  (call $field (local.get $answer) @"/steps/0/limits/memory_bytes")
  (i32.store8 offset=32 (local.get $answer) (i32.const {RETRYABLE}))
  (call $text (i32.add (local.get $answer) (i32.const 36)) @"ask for less")
  (call $pair (i32.add (local.get $answer) (i32.const 44)) @"rule" @"7")
  (local.get $answer))

(func $field (param $answer i32) (param $text i32) (param $bytes i32)
  (i32.store8 offset=20 (local.get $answer) (i32.const 1))
  (i32.store offset=24 (local.get $answer) (local.get $text))
  (i32.store offset=28 (local.get $answer) (local.get $bytes)))
