;; Makes the label `count` longer by one letter, whenever it is asked: never done.
(import "job" "label" (func $label (param i32 i32 i32)))
(import "patch" "set-label" (func $set (param i32 i32 i32 i32 i32)))

(func $act (result i32)
  (local $old i32) (local $bytes i32) (local $new i32)
  (local.set $old (call $take (i32.const 12)))
  (call $label @"count" (local.get $old))
  (local.set $bytes (i32.load offset=8 (local.get $old)))
  (local.set $new (call $take (i32.add (local.get $bytes) (i32.const 1))))
  (memory.copy (local.get $new) (i32.load offset=4 (local.get $old)) (local.get $bytes))
  (i32.store8 (i32.add (local.get $new) (local.get $bytes)) (i32.const 120))
  (call $set @"count" (local.get $new) (i32.add (local.get $bytes) (i32.const 1)) (call $take (i32.const 2)))
  (call $allow))
