#include "privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(capability) (1ull << (capability))

static const uint64_t for_the_kernel = BIT(CAP_BPF) | BIT(CAP_PERFMON) | BIT(CAP_NET_ADMIN) |
                                       BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_PTRACE) |
                                       BIT(CAP_DAC_READ_SEARCH);

static const uint64_t for_another_user = BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_KILL);

static int set(uint64_t kept)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    if (syscall(SYS_capget, &header, data) < 0)
        return -errno;
    for (int half = 0; half < 2; half++) {
        uint32_t bits = (uint32_t)(kept >> (32 * half));

        data[half].effective &= bits;
        data[half].permitted &= bits;
        data[half].inheritable = 0;
    }
    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int privileges_drop(bool no_kernel, bool other_user)
{
    uint64_t kept = (no_kernel ? 0 : for_the_kernel) | (other_user ? for_another_user : 0);

    for (int capability = 0; capability <= CAP_LAST_CAP; capability++)
        if (!(kept & BIT(capability)))
            prctl(PR_CAPBSET_DROP, capability);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return set(kept);
}
