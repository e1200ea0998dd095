/*
 * openwfp-driver-host [--user NAME] [--early] NAME PATH: the process of one callout driver. bfe
 * starts it with the door for connections to the engine as descriptor 3 and the classify channel as
 * 4. --early: it does not serve yet.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ntddk.h>
#include <rpcdce.h>

#include "fwpkclnt/confine.h"
#include "fwpkclnt/start.h"
#include "fwpuclnt/driver.h"
#include "model/utf16.h"

#define DOOR           3
#define CHANNEL        4
#define DRIVER         5  /* its file, when bfe hands it over open: PATH is /proc/self/fd/5 */
#define ENTRY_SECONDS  90 /* a driver that does not come to an end is ended; by bfe before */
#define UNLOAD_SECONDS 10

enum { EXIT_USAGE = 2, EXIT_LOAD = 3, EXIT_ENTRY = 4 };

struct host {
    const char *name, *path;
    DRIVER_INITIALIZE *entry;
    DRIVER_OBJECT driver;
    UNICODE_STRING registry_path;
    pthread_mutex_t lock; /* of control */
    HANDLE control;
};

/* bfe says whose lines they are. */
static int failed(int code, const char *text)
{
    fprintf(stderr, "%s\n", text);
    return code;
}

/* ---- the driver ---- */

static bool make_string(UNICODE_STRING *string, const char *prefix, const char *name)
{
    char text[512];
    size_t size;

    snprintf(text, sizeof(text), "%s%s", prefix, name);
    string->Buffer = utf16_from_utf8(text);
    if (!string->Buffer)
        return false;
    size = utf16_length(string->Buffer) * sizeof(WCHAR);
    string->Length = (USHORT)size;
    string->MaximumLength = (USHORT)(size + sizeof(WCHAR));
    return true;
}

static bool load(struct host *host)
{
    void *object = dlopen(host->path, RTLD_NOW | RTLD_LOCAL);

    if (!object)
        return false;
    *(void **)&host->entry = dlsym(object, "DriverEntry");
    host->driver.Size = sizeof(host->driver);
    host->driver.DriverInit = host->entry;
    return host->entry &&
           make_string(&host->registry_path,
                       "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\", host->name) &&
           make_string(&host->driver.DriverName, "\\Driver\\", host->name);
}

static void unload(struct host *host)
{
    alarm(UNLOAD_SECONDS);
    if (host->driver.DriverUnload)
        host->driver.DriverUnload(&host->driver);
    OpenWfpCalloutsStop();
    FwpmEngineClose0(host->control);
}

/* ---- the engine ---- */

static DWORD open_control(struct host *host)
{
    FWPM_SESSION0 session = {0};
    char text[128];
    DWORD code;

    snprintf(text, sizeof(text), "callout driver %s", host->name);
    session.displayData.name = utf16_from_utf8(text);
    code = FwpmEngineOpen0(NULL, RPC_C_AUTHN_DEFAULT, NULL, &session, &host->control);
    free(session.displayData.name);
    return code;
}

static HANDLE control(void *context)
{
    struct host *host = context;
    HANDLE handle;

    pthread_mutex_lock(&host->lock);
    if (!host->control && open_control(host) != ERROR_SUCCESS)
        fprintf(stderr, "the engine does not answer\n");
    handle = host->control;
    pthread_mutex_unlock(&host->lock);
    return handle;
}

static void on_close(void *context)
{
    kill(getpid(), SIGTERM);
}

static void wait_for_end(void)
{
    sigset_t end;
    int signal;

    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigaddset(&end, SIGINT);
    sigwait(&end, &signal);
}

/* From here on SIGTERM is waited for, by one thread. */
static void block_signals(void)
{
    sigset_t end;

    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigaddset(&end, SIGINT);
    sigprocmask(SIG_BLOCK, &end, NULL);
}

static int serve(struct host *host)
{
    NTSTATUS status;
    char text[64];

    alarm(ENTRY_SECONDS);
    status = host->entry(&host->driver, &host->registry_path);
    alarm(0);
    OpenWfpDriverReady(control(host), status);
    if (NT_SUCCESS(status)) {
        wait_for_end();
        unload(host);
        return 0;
    }
    snprintf(text, sizeof(text), "DriverEntry failed with status %#x", (unsigned)status);
    alarm(UNLOAD_SECONDS);
    OpenWfpCalloutsStop();
    FwpmEngineClose0(host->control);
    return failed(EXIT_ENTRY, text);
}

static int run(struct host *host, bool early)
{
    const struct driver_host ways = {
        .control = control, .on_close = on_close, .context = host, .engine_runs = !early};

    if (fcntl(DOOR, F_SETFD, FD_CLOEXEC) < 0 || fcntl(CHANNEL, F_SETFD, FD_CLOEXEC) < 0)
        return failed(EXIT_USAGE, "descriptors 3 and 4 are not there: bfe starts this "
                                  "program, see wfp driver load");
    if (!load(host)) {
        const char *reason = dlerror();
        size_t length = strlen(host->path);

        /* The engine has opened the file; by that descriptor's name nobody knows it. */
        if (reason && strncmp(reason, host->path, length) == 0 && reason[length] == ':')
            reason += length + strspn(reason + length, ": ");
        return failed(EXIT_LOAD, reason ? reason : "out of memory");
    }
    OpenWfpConnectThrough(DOOR);
    if (!OpenWfpCalloutsStart(CHANNEL, &ways))
        return failed(EXIT_LOAD, strerror(errno));
    return serve(host);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"user", required_argument, NULL, 'u'}, {"early", no_argument, NULL, 'e'}, {0}};
    static struct host host = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const char *user = NULL;
    bool early = false;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) == 'u' || option == 'e') {
        if (option == 'u')
            user = optarg;
        else
            early = true;
    }
    if (option != -1 || argc - optind != 2) {
        fprintf(stderr, "usage: openwfp-driver-host [--user NAME] [--early] NAME PATH\n");
        return EXIT_USAGE;
    }
    host.name = argv[optind];
    host.path = argv[optind + 1];
    block_signals();
    close_range(DRIVER + 1, ~0u, 0);
    if (!confine(user))
        return EXIT_USAGE;
    return run(&host, early);
}
