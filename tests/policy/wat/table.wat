;; Denies where the bundle's table says why.
(import "facts" "lookup" (func $lookup (param i32 i32 i32 i32 i32)))
(import "job" "tenant" (func $tenant (param i32)))

(func $act (result i32)
  (local $tenant i32) (local $why i32)
  (local.set $tenant (call $take (i32.const 8)))
  (local.set $why (call $take (i32.const 12)))
  (call $tenant (local.get $tenant))
  (call $lookup @"blocked" (i32.load (local.get $tenant)) (i32.load offset=4 (local.get $tenant)) (local.get $why))
  (if (i32.load8_u (local.get $why))
    (then (return (call $deny @"blocked" (i32.load offset=4 (local.get $why)) (i32.load offset=8 (local.get $why))))))
  (call $allow))
