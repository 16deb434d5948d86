;; Operations of a JSON Patch that no job could have; it notes what became of each.
(import "patch" "json-op" (func $op (param i32 i32 i32)))

(func $act (result i32)
  (local $notes i32) (local $answer i32)
  (local.set $answer (call $allow))
  (local.set $notes (i32.add (local.get $answer) (i32.const 12)))
  (call $told (local.get $notes) @"1 a test" (call $try @"{\22op\22:\22test\22,\22path\22:\22/labels/a\22,\22value\22:\22b\22}"))
  (call $told (local.get $notes) @"2 no number" (call $try @"{\22op\22:\22replace\22,\22path\22:\22/steps/0/limits/pids\22,\22value\22:\22b\22}"))
  (call $told (local.get $notes) @"3 command" (call $try @"{\22op\22:\22replace\22,\22path\22:\22/steps/0/command/0\22,\22value\22:\22sh\22}"))
  (call $told (local.get $notes) @"4 no step" (call $try @"{\22op\22:\22replace\22,\22path\22:\22/steps/9/limits/pids\22,\22value\22:1}"))
  (call $told (local.get $notes) @"5 a label" (call $try @"{\22op\22:\22add\22,\22path\22:\22/labels/a~1b\22,\22value\22:\22c\22}"))
  (local.get $answer))

(func $try (param i32 i32) (result i32)
  (local $result i32)
  (local.set $result (call $take (i32.const 2)))
  (call $op (local.get 0) (local.get 1) (local.get $result))
  (local.get $result))
