;; Counts starts in its memory and lets no more than {MOST} of them happen.
(import "kv" "add" (func $add (param i32 i32 i64 i64 i32)))
(import "kv" "get" (func $get (param i32 i32 i32)))

(func (export "on-started#started") (result i32)
  (call $add @"starts" (i64.const 1) (i64.const 0) (call $take (i32.const 16)))
  (call $allow))

(func (export "validation#validate") (result i32)
  (local $value i32) (local $answer i32)
  (local.set $value (call $take (i32.const 12)))
  (call $get @"starts" (local.get $value))
  (if (i32.eqz (i32.load8_u (local.get $value))) (then (return (call $allow))))
  (if (i32.lt_u (i32.load8_u (i32.load offset=4 (local.get $value))) (i32.const 0x3{MOST}))
    (then (return (call $allow))))
  (local.set $answer (call $deny @"too-many-starts" @"enough of them were started"))
  (i32.store8 offset=32 (local.get $answer) (i32.const 1))
  (local.get $answer))
