;; Sets the job's memory, and notes what became of that.
(import "patch" "set-memory-bytes" (func $set (param i64 i32)))

(func $act (result i32)
  (local $answer i32) (local $result i32)
  (local.set $answer (call $allow))
  (local.set $result (call $take (i32.const 2)))
  (call $set (i64.const {BYTES}) (local.get $result))
  (call $told (i32.add (local.get $answer) (i32.const 12)) @"memory" (local.get $result))
  (local.get $answer))
