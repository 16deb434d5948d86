;; Twelve million warnings, all of them empty.
(func $act (result i32)
  (local $answer i32)
  (drop (memory.grow (i32.const 1600)))
  (local.set $answer (call $allow))
  (i32.store offset=4 (local.get $answer) (i32.const 131072))
  (i32.store offset=8 (local.get $answer) (i32.const 12000000))
  (local.get $answer))
