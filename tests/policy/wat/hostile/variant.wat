;; Neither an ok nor a denial.
(func $act (result i32)
  (local $answer i32)
  (local.set $answer (call $allow))
  (i32.store8 (local.get $answer) (i32.const 7))
  (local.get $answer))
