;; Says no to a container that really is there.
(import "container" "host-uid" (func $host_uid (result i32)))
(import "container" "no-new-privs" (func $no_new_privs (result i32)))

(func $act (result i32)
  (if (i32.or (i32.eqz (call $host_uid)) (i32.eqz (call $no_new_privs)))
    (then (return (call $deny @"no-container" @"there is no container to judge"))))
  (call $deny @"vetoed" @"not in this container"))
