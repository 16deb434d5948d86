;; Asks for what takes the host long with a large job, again and again.
(import "job" "file-digest" (func $digest (param i32 i32 i32)))
(import "job" "json" (func $json (param i32 i32 i32)))

(func $act (result i32)
  (local $answer i32)
  (loop $again
    (global.set $free (i32.const 65536))
    (local.set $answer (call $take (i32.const 12)))
    (call {ASK} (local.get $answer))
    (br $again))
  (unreachable))
