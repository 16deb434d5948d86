;; Sets a label, and notes what became of that.
(import "patch" "set-label" (func $set (param i32 i32 i32 i32 i32)))

(func $act (result i32)
  (local $answer i32) (local $result i32)
  (local.set $answer (call $allow))
  (local.set $result (call $take (i32.const 2)))
  (call $set @"{KEY}" @"{VALUE}" (local.get $result))
  (call $told (i32.add (local.get $answer) (i32.const 12)) @"label" (local.get $result))
  (local.get $answer))
