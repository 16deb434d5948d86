;; The example policy by hand: denies the first step that asks for more memory than the setting max_memory_bytes.
;; Memory: texts below 1024, results and scratch from 1024, what the host hands over from 4096.
(module
  (import "stockade:policy/call@0.1.0" "settings" (func $settings (param i32)))
  (import "stockade:policy/job@0.1.0" "step-count" (func $step_count (result i32)))
  (import "stockade:policy/job@0.1.0" "step-limit" (func $step_limit (param i32 i32 i32 i32)))

  (memory (export "memory") 1)
  (global $free (mut i32) (i32.const 4096))
  ;; Where the settings stop being as expected.
  (global $at (mut i32) (i32.const 0))

  (data (i32.const 16) "{\"max_memory_bytes\":")            ;; 20 bytes
  (data (i32.const 64) "/max_memory_bytes")                  ;; 17
  (data (i32.const 96) "must be a whole number, and the only setting") ;; 44
  (data (i32.const 160) "too-much-memory")                   ;; 15
  (data (i32.const 192) "a step asks for more memory than max_memory_bytes") ;; 49
  (data (i32.const 256) "memory_bytes")                      ;; 12
  (data (i32.const 288) "/steps/")                           ;; 7
  (data (i32.const 304) "/limits/memory_bytes")              ;; 20

  (func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $new i32)
    (local.set $new (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $new) (local.get $size)))
    ;; Past the end: more room, or the end of this policy.
    (block $fits
      (br_if $fits (i32.le_u (global.get $free) (i32.shl (memory.size) (i32.const 16))))
      (br_if $fits (i32.ne (i32.const -1)
        (memory.grow (i32.add (i32.shr_u (local.get $size) (i32.const 16)) (i32.const 1)))))
      (unreachable))
    (if (local.get $old) (then (memory.copy (local.get $new) (local.get $old) (local.get $old_size))))
    (local.get $new))

  ;; The next character that is not a space; 0 at the end.
  (func $next (param $end i32) (result i32)
    (local $char i32)
    (loop $more
      (if (i32.ge_u (global.get $at) (local.get $end)) (then (return (i32.const 0))))
      (local.set $char (i32.load8_u (global.get $at)))
      (global.set $at (i32.add (global.get $at) (i32.const 1)))
      (br_if $more (i32.eq (local.get $char) (i32.const 0x20))))
    (local.get $char))

  ;; The one setting, 0 where the settings are anything but it and a number of at least 1 and at most 18 digits.
  (func $read (param $text i32) (param $len i32) (result i64)
    (local $end i32) (local $i i32) (local $char i32) (local $value i64)
    (local.set $end (i32.add (local.get $text) (local.get $len)))
    (global.set $at (local.get $text))
    (loop $key
      (if (i32.ne (call $next (local.get $end)) (i32.load8_u (i32.add (local.get $i) (i32.const 16))))
        (then (return (i64.const 0))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $key (i32.lt_u (local.get $i) (i32.const 20))))
    (local.set $i (i32.const 0))
    (loop $digits
      (local.set $char (call $next (local.get $end)))
      (if (i32.lt_u (i32.sub (local.get $char) (i32.const 0x30)) (i32.const 10))
        (then
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (if (i32.gt_u (local.get $i) (i32.const 18)) (then (return (i64.const 0))))
          (local.set $value (i64.add (i64.mul (local.get $value) (i64.const 10))
            (i64.extend_i32_u (i32.sub (local.get $char) (i32.const 0x30)))))
          (br $digits))))
    (if (i32.ne (local.get $char) (i32.const 0x7d)) (then (return (i64.const 0))))
    (if (call $next (local.get $end)) (then (return (i64.const 0))))
    (local.get $value))

  ;; result<_, list<settings-error>> at 1024, the one settings-error at 1040.
  (func (export "stockade:policy/configuration@0.1.0#validate-settings") (param $text i32) (param $len i32) (result i32)
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 64))
    (if (i64.eqz (call $read (local.get $text) (local.get $len)))
      (then
        (i32.store8 (i32.const 1024) (i32.const 1))
        (i32.store (i32.const 1028) (i32.const 1040))
        (i32.store (i32.const 1032) (i32.const 1))
        (i32.store (i32.const 1040) (i32.const 64))
        (i32.store (i32.const 1044) (i32.const 17))
        (i32.store (i32.const 1048) (i32.const 96))
        (i32.store (i32.const 1052) (i32.const 44))))
    (i32.const 1024))

  ;; "/steps/N/limits/memory_bytes" at 1280; its length.
  (func $pointer (param $step i32) (result i32)
    (local $digits i32) (local $rest i32) (local $at i32)
    (local.set $rest (local.get $step))
    (loop $count
      (local.set $digits (i32.add (local.get $digits) (i32.const 1)))
      (br_if $count (local.tee $rest (i32.div_u (local.get $rest) (i32.const 10)))))
    (memory.copy (i32.const 1280) (i32.const 288) (i32.const 7))
    (local.set $at (i32.add (i32.const 1287) (local.get $digits)))
    (memory.copy (local.get $at) (i32.const 304) (i32.const 20))
    (loop $write
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 0x30) (i32.rem_u (local.get $step) (i32.const 10))))
      (br_if $write (local.tee $step (i32.div_u (local.get $step) (i32.const 10)))))
    (i32.add (i32.const 27) (local.get $digits)))

  ;; result<notes, denial> at 1024: all zeros is an ok without notes.
  (func $deny (param $step i32)
    (i32.store8 (i32.const 1024) (i32.const 1))
    (i32.store (i32.const 1028) (i32.const 160)) (i32.store (i32.const 1032) (i32.const 15))
    (i32.store (i32.const 1036) (i32.const 192)) (i32.store (i32.const 1040) (i32.const 49))
    (i32.store8 (i32.const 1044) (i32.const 1))
    (i32.store (i32.const 1048) (i32.const 1280)) (i32.store (i32.const 1052) (call $pointer (local.get $step))))

  (func (export "stockade:policy/validation@0.1.0#validate") (result i32)
    (local $max i64) (local $step i32) (local $steps i32)
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 64))
    (call $settings (i32.const 1200))
    (local.set $max (call $read (i32.load (i32.const 1200)) (i32.load (i32.const 1204))))
    (local.set $steps (call $step_count))
    (block $done
      (loop $each
        (br_if $done (i32.ge_u (local.get $step) (local.get $steps)))
        ;; option<u64> at 1216.
        (call $step_limit (local.get $step) (i32.const 256) (i32.const 12) (i32.const 1216))
        (if (i64.gt_u (i64.load (i32.const 1224)) (local.get $max))
          (then (call $deny (local.get $step)) (br $done)))
        (local.set $step (i32.add (local.get $step) (i32.const 1)))
        (br $each)))
    (i32.const 1024))
)
