;; Takes no settings but `{}`.
(func $act (result i32) (call $allow))

(func (export "configuration#validate-settings") (param i32 i32) (result i32)
  (local $answer i32) (local $error i32)
  (local.set $answer (call $take (i32.const 12)))
  (if (i32.ne (local.get 1) (i32.const 2))
    (then
      (i32.store8 (local.get $answer) (i32.const 1))
      (local.set $error (call $entry (i32.add (local.get $answer) (i32.const 4)) (i32.const 16)))
      (i32.store (local.get $error) (call $first @"/most"))
      (i32.store offset=4 (local.get $error) (i32.const 5))
      (i32.store offset=8 (local.get $error) (call $first @"there is no such setting"))
      (i32.store offset=12 (local.get $error) (i32.const 24))))
  (local.get $answer))

(func $first (param i32 i32) (result i32) (local.get 0))
