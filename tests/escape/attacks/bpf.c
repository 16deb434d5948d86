// attack: bpf(2): maps, programs, tokens (CVE-2020-8835, CVE-2021-3490, CVE-2022-23222)
// profile: default build
// expect: refused
#include "attack.h"
#include <linux/bpf.h>

int main(void)
{
    struct bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K}, {.code = BPF_JMP | BPF_EXIT}};
    union bpf_attr map = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1};
    union bpf_attr program = {
        .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insn_cnt = 2, .insns = (uintptr_t)code, .license = (uintptr_t)"GPL"};
    union bpf_attr next = {.start_id = 0};
    union bpf_attr pinned = {.pathname = (uintptr_t)"/sys/fs/bpf/x"};
    REFUSED("map create", syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map), EPERM, ENOSYS);
    REFUSED("prog load", syscall(SYS_bpf, BPF_PROG_LOAD, &program, sizeof program), EPERM, ENOSYS);
    REFUSED("prog next id", syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &next, sizeof next), EPERM, ENOSYS);
    REFUSED("obj get", syscall(SYS_bpf, BPF_OBJ_GET, &pinned, sizeof pinned), EPERM, ENOSYS);
    REFUSED("token create", syscall(SYS_bpf, 36, &next, sizeof next), EPERM, ENOSYS);
    return verdict();
}
