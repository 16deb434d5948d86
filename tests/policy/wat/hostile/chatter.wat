;; A million lines.
(import "log" "log" (func $log (param i32 i32 i32)))

(func $act (result i32)
  (local $left i32)
  (local.set $left (i32.const 1000000))
  (loop $again
    (call $log (i32.const 1) @"still here\0aforged line")
    (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
  (call $allow))
