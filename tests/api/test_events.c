/*
 * Net events of real connects, through the whole stack: a bfe that covers only a cgroup of this
 * test's own. Skipped (77) where the kernel or the rights for BPF are missing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <mntent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fwpsu.h>

#include "place.h"

#define NO_KERNEL 3 /* bfe's exit code */
#define SKIPPED   77

static char cgroup[512], pins[96];

/* ---- bfe with the kernel, for the cgroup */

static void run_bfe_in_kernel(void)
{
    if (!freopen(place.log, "a", stderr))
        _exit(127);
    execl(BFE_PROGRAM, "bfe", "--socket", place.socket, "--pin-dir", pins, "--cgroup", cgroup,
          "--remove-on-exit", "--log", "stderr", (char *)NULL);
    _exit(127);
}

static bool answers(void)
{
    HANDLE engine = NULL;

    if (FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, &engine))
        return false;
    FwpmEngineClose0(engine);
    return true;
}

/* The exit code of a bfe that did not come up; 0: it serves. */
static int start_in_kernel(void)
{
    int status;

    place.bfe = fork();
    if (place.bfe == 0)
        run_bfe_in_kernel();
    for (int i = 0; i < 3000 && !answers(); i++) {
        if (waitpid(place.bfe, &status, WNOHANG) == place.bfe)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        usleep(10000);
    }
    return 0;
}

static void remove_all(void)
{
    const char *const files[] = {place.socket, place.state, place.log};
    char lock[128];

    snprintf(lock, sizeof(lock), "%s.lock", place.socket);
    unlink(lock);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        unlink(files[i]);
    rmdir(place.directory);
    rmdir(pins);
    rmdir(cgroup);
}

/* Where cgroup v2 is mounted; "" when it is not. */
static void find_cgroup2(char *into, size_t size)
{
    FILE *mounts = setmntent("/proc/self/mounts", "r");
    const struct mntent *mount;

    into[0] = 0;
    while (mounts && !into[0] && (mount = getmntent(mounts)))
        if (!strcmp(mount->mnt_type, "cgroup2"))
            snprintf(into, size, "%s", mount->mnt_dir);
    if (mounts)
        endmntent(mounts);
}

static void name_all(void)
{
    char mount[256];
    int id = getpid();

    find_cgroup2(mount, sizeof(mount));
    snprintf(cgroup, sizeof(cgroup), "%s/openwfp-test-%d", mount, id);
    snprintf(pins, sizeof(pins), "/sys/fs/bpf/openwfp-test-%d", id);
    snprintf(place.socket, sizeof(place.socket), "%.63s/bfe.sock", place.directory);
    snprintf(place.state, sizeof(place.state), "%.63s/bfe.policy", place.directory);
    snprintf(place.log, sizeof(place.log), "%.63s/log", place.directory);
}

static int setup(void **state)
{
    int code;

    strcpy(place.directory, "/tmp/bfe-test-XXXXXX");
    if (!mkdtemp(place.directory))
        return -1;
    name_all();
    setenv("OPENWFP_SOCKET", place.socket, 1);
    code = mkdir(cgroup, 0755) ? NO_KERNEL : start_in_kernel();
    if (code)
        remove_all();
    if (code == NO_KERNEL)
        exit(SKIPPED);
    return code;
}

static int teardown(void **state)
{
    int code = bfe_stop();

    remove_all();
    return code;
}

/* ---- a program in the cgroup */

static void join_cgroup(void)
{
    char path[sizeof(cgroup) + 16];
    FILE *file;

    snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
    file = fopen(path, "w");
    if (!file || fprintf(file, "0") < 0 || fclose(file))
        _exit(99);
}

static struct sockaddr_in loopback(UINT16 port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* The errno of its connect. */
static int connect_in_cgroup(void *port)
{
    struct sockaddr_in address = loopback(*(UINT16 *)port);
    int fd;

    join_cgroup();
    fd = socket(AF_INET, SOCK_STREAM, 0);
    return connect(fd, (struct sockaddr *)&address, sizeof(address)) ? errno : 0;
}

static int listen_somewhere(UINT16 *port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

/* ---- what the callbacks saw of one port */

struct seen {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    UINT16 port;
    int events;
    FWPM_NET_EVENT_TYPE type;
    UINT64 filter_id, event_id;
    UINT16 layer_id;
    UINT32 pid, uid;
    char comm[16];
    char app[256];
};

static void copy_app(struct seen *seen, const FWP_BYTE_BLOB *app)
{
    const WCHAR *text = (const WCHAR *)app->data;

    for (size_t i = 0; i < app->size / sizeof(*text) && i + 1 < sizeof(seen->app); i++)
        seen->app[i] = (char)text[i];
}

static void on_event(void *context, const OPENWFP_NET_EVENT *event)
{
    struct seen *seen = context;

    if (!event || event->event.header.remotePort != seen->port)
        return;
    pthread_mutex_lock(&seen->lock);
    seen->type = event->event.type;
    seen->filter_id = seen->type == FWPM_NET_EVENT_TYPE_CLASSIFY_DROP
                          ? event->event.classifyDrop->filterId
                          : event->event.classifyAllow->filterId;
    seen->layer_id = seen->type == FWPM_NET_EVENT_TYPE_CLASSIFY_DROP
                         ? event->event.classifyDrop->layerId
                         : event->event.classifyAllow->layerId;
    seen->event_id = event->eventId;
    seen->pid = event->processId;
    seen->uid = event->uid;
    memcpy(seen->comm, event->comm, sizeof(seen->comm));
    copy_app(seen, &event->event.header.appId);
    seen->events++;
    pthread_cond_broadcast(&seen->changed);
    pthread_mutex_unlock(&seen->lock);
}

static HANDLE watch(HANDLE engine, struct seen *seen, UINT16 port)
{
    FWPM_NET_EVENT_SUBSCRIPTION0 subscription = {0};
    HANDLE handle = NULL;

    *seen = (struct seen){.port = port};
    pthread_mutex_init(&seen->lock, NULL);
    pthread_cond_init(&seen->changed, NULL);
    assert_ok(OpenWfpNetEventSubscribe(engine, &subscription, on_event, seen, &handle));
    return handle;
}

static void wait_event(struct seen *seen)
{
    pthread_mutex_lock(&seen->lock);
    while (!seen->events)
        pthread_cond_wait(&seen->changed, &seen->lock);
    pthread_mutex_unlock(&seen->lock);
}

static void set_option(HANDLE engine, FWPM_ENGINE_OPTION option, UINT32 number)
{
    FWP_VALUE0 value = {.type = FWP_UINT32, .uint32 = number};

    assert_ok(FwpmEngineSetOption0(engine, option, &value));
}

static DWORD add_permit(HANDLE engine, UINT16 port, UINT64 *id)
{
    WCHAR name[] = u"permit a port";
    FWPM_FILTER_CONDITION0 condition = {.fieldKey = FWPM_CONDITION_IP_REMOTE_PORT,
                                        .conditionValue = {.type = FWP_UINT16, .uint16 = port}};
    FWPM_FILTER0 filter = {.displayData.name = name,
                           .layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
                           .action.type = FWP_ACTION_PERMIT,
                           .numFilterConditions = 1,
                           .filterCondition = &condition};

    return FwpmFilterAdd0(engine, &filter, NULL, id);
}

/* The enumerated drops of one port, in the oldest and the newest version. */
static void check_enumerated(HANDLE engine, UINT16 port, UINT64 filter_id)
{
    FWPM_FILTER_CONDITION0 condition = {.fieldKey = FWPM_CONDITION_IP_REMOTE_PORT,
                                        .conditionValue = {.type = FWP_UINT16, .uint16 = port}};
    FWPM_NET_EVENT_ENUM_TEMPLATE0 template_ = {.numFilterConditions = 1,
                                               .filterCondition = &condition};
    FWPM_NET_EVENT0 **v0 = NULL;
    FWPM_NET_EVENT5 **v5 = NULL;
    HANDLE handle = NULL;
    UINT32 count = 0;

    assert_ok(FwpmNetEventCreateEnumHandle0(engine, &template_, &handle));
    assert_ok(FwpmNetEventEnum5(engine, handle, 10, &v5, &count));
    assert_int_equal(count, 1);
    assert_int_equal(v5[0]->classifyDrop->filterId, filter_id);
    assert_int_equal(v5[0]->header.remoteAddrV4, INADDR_LOOPBACK);
    assert_int_equal(v5[0]->header.ipProtocol, IPPROTO_TCP);
    FwpmFreeMemory0((void **)&v5);
    assert_ok(FwpmNetEventDestroyEnumHandle0(engine, handle));
    assert_ok(FwpmNetEventCreateEnumHandle0(engine, &template_, &handle));
    assert_ok(FwpmNetEventEnum0(engine, handle, 10, &v0, &count));
    assert_int_equal(count, 1);
    assert_int_equal(v0[0]->classifyDrop->filterId, filter_id);
    assert_int_equal(v0[0]->header.remotePort, port);
    FwpmFreeMemory0((void **)&v0);
    assert_ok(FwpmNetEventDestroyEnumHandle0(engine, handle));
}

static void test_13_3_blocked_connect_is_an_event(void **state)
{
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC), handle;
    OPENWFP_EXPLAIN_REQUEST request = {0};
    OPENWFP_EXPLANATION *explanation = NULL;
    char self[256] = {0};
    struct seen seen;
    UINT64 id;
    UINT16 port;
    int listener = listen_somewhere(&port);

    set_option(engine, FWPM_ENGINE_COLLECT_NET_EVENTS, 1);
    handle = watch(engine, &seen, port);
    assert_ok(add_filter(engine, port, 0, NULL, &id));
    assert_int_equal(run_as(0, connect_in_cgroup, &port), EACCES);
    wait_event(&seen);
    assert_int_equal(seen.type, FWPM_NET_EVENT_TYPE_CLASSIFY_DROP);
    assert_int_equal(seen.filter_id, id);
    assert_int_equal(seen.layer_id, FWPS_LAYER_ALE_AUTH_CONNECT_V4);
    assert_int_equal(seen.uid, getuid());
    assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
    assert_string_equal(seen.app, self);
    check_enumerated(engine, port, id);
    request.eventId = seen.event_id;
    assert_ok(OpenWfpExplain(engine, &request, &explanation));
    assert_int_equal(explanation->action, FWP_ACTION_BLOCK);
    assert_int_equal(explanation->filterId, id);
    FwpmFreeMemory0((void **)&explanation);
    assert_ok(FwpmNetEventUnsubscribe0(engine, handle));
    assert_ok(FwpmEngineClose0(engine));
    close(listener);
}

static void test_13_4_permitted_connect_is_an_event_with_the_keyword(void **state)
{
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC), handle;
    struct seen seen;
    UINT64 id;
    UINT16 port;
    int listener = listen_somewhere(&port);

    set_option(engine, FWPM_ENGINE_COLLECT_NET_EVENTS, 1);
    set_option(engine, FWPM_ENGINE_NET_EVENT_MATCH_ANY_KEYWORDS,
               FWPM_NET_EVENT_KEYWORD_CLASSIFY_ALLOW);
    handle = watch(engine, &seen, port);
    assert_ok(add_permit(engine, port, &id));
    assert_int_equal(run_as(0, connect_in_cgroup, &port), 0);
    wait_event(&seen);
    assert_int_equal(seen.type, FWPM_NET_EVENT_TYPE_CLASSIFY_ALLOW);
    assert_int_equal(seen.filter_id, id);
    assert_ok(FwpmNetEventUnsubscribe0(engine, handle));
    set_option(engine, FWPM_ENGINE_NET_EVENT_MATCH_ANY_KEYWORDS, 0);
    assert_ok(FwpmEngineClose0(engine));
    close(listener);
}

/* The handle's session ends, its dynamic filter falls, and the connect is let through. */
static void test_8_1_filter_falls_with_its_session(void **state)
{
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC);
    UINT16 port;
    int listener = listen_somewhere(&port);

    assert_ok(add_filter(engine, port, 0, NULL, NULL));
    assert_int_equal(run_as(0, connect_in_cgroup, &port), EACCES);
    assert_ok(FwpmEngineClose0(engine));
    assert_int_equal(run_as(0, connect_in_cgroup, &port), 0);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_13_3_blocked_connect_is_an_event),
        cmocka_unit_test(test_13_4_permitted_connect_is_an_event_with_the_keyword),
        cmocka_unit_test(test_8_1_filter_falls_with_its_session),
    };

    alarm(120);
    return cmocka_run_group_tests(tests, setup, teardown);
}
