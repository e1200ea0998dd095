#include "fwpkclnt/confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Writable memory. A sanitizer's shadow of it has no size to speak of. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_MAX RLIM_INFINITY
#else
#define MEMORY_MAX ((rlim_t)1 << 30)
#endif
#define DESCRIPTORS_MAX 1024
#define PROCESSES_MAX   1024 /* and threads, of all drivers of one user; root's are not counted */

static bool failed(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return false;
}

static bool limit(int resource, rlim_t most)
{
    struct rlimit now, wanted = {most, most};

    if (getrlimit(resource, &now) < 0)
        return false;
    if (now.rlim_max < most)
        wanted = (struct rlimit){now.rlim_max, now.rlim_max};
    return setrlimit(resource, &wanted) == 0;
}

static bool become(const char *user)
{
    const struct passwd *entry;

    errno = 0;
    entry = getpwnam(user);
    if (!entry) {
        fprintf(stderr, "there is no user %s\n", user);
        return false;
    }
    if (setgroups(0, NULL) < 0 || setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) < 0 ||
        setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) < 0)
        return failed("can't become another user");
    return true;
}

static bool drop_capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return syscall(SYS_capset, &header, none) == 0;
}

bool confine(const char *user)
{
    pid_t parent = getppid();

    if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_DATA, MEMORY_MAX) ||
        !limit(RLIMIT_NOFILE, DESCRIPTORS_MAX) || !limit(RLIMIT_NPROC, PROCESSES_MAX))
        return failed("can't limit resources");
    if (user && !become(user))
        return false;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || !drop_capabilities())
        return failed("can't give up capabilities");
    /* Becoming another user clears it, so it comes last. */
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
        return failed("can't follow the parent");
    if (getppid() != parent)
        raise(SIGTERM);
    return true;
}
