;; Adds to the record; tries to change a label that the job has.
(import "outcome" "status" (func $status (param i32)))

(func (export "on-started#started") (result i32)
  (local $answer i32)
  (local.set $answer (call $allow))
  (call $pair (local.get $answer) @"started" @"yes")
  (call $pair (local.get $answer) @"team" @"forged")
  (call $pair (i32.add (local.get $answer) (i32.const 8)) @"note" @"from started")
  (local.get $answer))

(func (export "on-exited#exited") (result i32)
  (local $answer i32) (local $status i32)
  (local.set $answer (call $allow))
  (local.set $status (call $take (i32.const 8)))
  (call $status (local.get $status))
  (call $pair (local.get $answer) @"ended" @"yes")
  (call $pair (i32.add (local.get $answer) (i32.const 8)) @"note" @"from exited")
  (call $pair (i32.add (local.get $answer) (i32.const 8)) @"status"
    (i32.load (local.get $status)) (i32.load offset=4 (local.get $status)))
  (local.get $answer))
