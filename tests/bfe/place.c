#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct place place;

static const char *bfe_program(void)
{
    const char *program = getenv("BFE");

    return program ? program : BFE_PROGRAM;
}

static bool serving(void)
{
    HANDLE engine = NULL;

    if (FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, &engine) != ERROR_SUCCESS)
        return false;
    FwpmEngineClose0(engine);
    return true;
}

static void run_bfe(void)
{
    int log = open(place.log, O_WRONLY | O_CREAT | O_APPEND, 0600);

    dup2(log, STDERR_FILENO);
    execl(bfe_program(), "bfe", "--no-kernel", "--socket", place.socket, "--log", "stderr",
          (char *)NULL);
    _exit(127);
}

void bfe_start(void)
{
    place.bfe = fork();
    assert_true(place.bfe >= 0);
    if (place.bfe == 0)
        run_bfe();
    for (int i = 0; i < 1000 && !serving(); i++)
        usleep(10000);
    assert_true(serving());
}

static int reap(void)
{
    int status = 0;

    assert_int_equal(waitpid(place.bfe, &status, 0), place.bfe);
    place.bfe = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

void bfe_kill(void)
{
    kill(place.bfe, SIGKILL);
    reap();
}

int bfe_stop(void)
{
    kill(place.bfe, SIGTERM);
    return reap();
}

void bfe_reboot(void)
{
    bfe_kill();
    assert_int_equal(unlink(place.state), 0);
    bfe_start();
}

bool bfe_logged(const char *text)
{
    char log[65536];
    int fd = open(place.log, O_RDONLY);
    ssize_t size = fd < 0 ? -1 : read(fd, log, sizeof(log) - 1);

    close(fd);
    if (size < 0)
        return false;
    log[size] = 0;
    return strstr(log, text);
}

int place_setup(void **state)
{
    strcpy(place.directory, "/tmp/bfe-test-XXXXXX");
    if (!mkdtemp(place.directory) || chmod(place.directory, 0755) < 0)
        return -1;
    snprintf(place.socket, sizeof(place.socket), "%s/bfe.sock", place.directory);
    snprintf(place.state, sizeof(place.state), "%s/bfe.policy", place.directory);
    snprintf(place.log, sizeof(place.log), "%s/log", place.directory);
    setenv("OPENWFP_SOCKET", place.socket, 1);
    bfe_start();
    return 0;
}

static void remove_file(const char *name)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/%s", place.directory, name);
    unlink(path);
}

int place_teardown(void **state)
{
    static const char *const files[] = {
        "bfe.sock", "bfe.sock.lock",  "bfe.policy", "bfe.policy.new",
        "bfe.db",   "bfe.db-journal", "log"};
    int code = place.bfe ? bfe_stop() : 0;

    /* A bfe built with sanitizers says so there. */
    if (bfe_logged("runtime error") || bfe_logged("Sanitizer")) {
        printf("bfe's log, %s, holds a sanitizer's report\n", place.log);
        return -1;
    }

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        remove_file(files[i]);
    return rmdir(place.directory) < 0 ? -1 : code;
}

/* ---- the API ---- */

HANDLE engine_open_waiting(UINT32 flags, UINT32 wait_ms)
{
    const FWPM_SESSION0 session = {.flags = flags, .txnWaitTimeoutInMSec = wait_ms};
    HANDLE engine = NULL;

    assert_ok(FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, &session, &engine));
    return engine;
}

HANDLE engine_open(UINT32 flags)
{
    return engine_open_waiting(flags, 0);
}

DWORD add_filter(HANDLE engine, UINT16 port, UINT32 flags, const GUID *key, UINT64 *id)
{
    WCHAR name[] = u"a test's filter";
    FWPM_FILTER_CONDITION0 condition = {
        .fieldKey = FWPM_CONDITION_IP_REMOTE_PORT,
        .matchType = FWP_MATCH_EQUAL,
        .conditionValue = {.type = FWP_UINT16, .uint16 = port},
    };
    FWPM_FILTER0 filter = {
        .displayData.name = name,
        .flags = flags,
        .layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
        .action.type = FWP_ACTION_BLOCK,
        .numFilterConditions = 1,
        .filterCondition = &condition,
    };

    if (key)
        filter.filterKey = *key;
    return FwpmFilterAdd0(engine, &filter, NULL, id);
}

bool has_filter(HANDLE engine, const GUID *key)
{
    FWPM_FILTER0 *filter = NULL;
    DWORD code = FwpmFilterGetByKey0(engine, key, &filter);

    FwpmFreeMemory0((void **)&filter);
    assert_true(code == ERROR_SUCCESS || code == FWP_E_FILTER_NOT_FOUND);
    return code == ERROR_SUCCESS;
}

unsigned count_filters(HANDLE engine)
{
    FWPM_FILTER0 **filters = NULL;
    HANDLE enumeration = NULL;
    unsigned count = 0;
    UINT32 given;

    assert_ok(FwpmFilterCreateEnumHandle0(engine, NULL, &enumeration));
    do {
        assert_ok(FwpmFilterEnum0(engine, enumeration, 100, &filters, &given));
        FwpmFreeMemory0((void **)&filters);
        count += given;
    } while (given == 100);
    assert_ok(FwpmFilterDestroyEnumHandle0(engine, enumeration));
    return count;
}

/* ---- other processes ---- */

int run_as(uid_t uid, int (*function)(void *ctx), void *ctx)
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        if (uid && (setgroups(0, NULL) < 0 || setgid(uid) < 0 || setuid(uid) < 0))
            _exit(99);
        _exit(function(ctx));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

int raw_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strncpy(address.sun_path, place.socket, sizeof(address.sun_path) - 1);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

bool raw_closed(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char bytes[4096];
    ssize_t size;

    do {
        if (poll(&wait, 1, 5000) <= 0)
            return false;
        size = read(fd, bytes, sizeof(bytes));
    } while (size > 0);
    return true;
}
