/* The base filtering engine: starts, serves, stops. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "listen.h"
#include "log.h"
#include "options.h"
#include "privileges.h"
#include "service.h"
#include "shims/hold/hold.h"
#include "store_file.h"

#define DESCRIPTORS 16384
#define LARGE_BLOCK (5 << 20) /* of memory: given back when freed, whatever lies around it */

/* Thousands of connections; no more memory than is in use; no copy of what clients sent in a core.
 */
static void set_limits(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < DESCRIPTORS) {
        files.rlim_cur = files.rlim_max < DESCRIPTORS ? files.rlim_max : DESCRIPTORS;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    mallopt(M_TRIM_THRESHOLD, 2 * LARGE_BLOCK);
    prctl(PR_SET_DUMPABLE, 0);
    umask(0077);
}

static int lock(struct listener *listener, const struct bfe_options *options)
{
    pid_t owner;
    int code = listener_lock(listener, options->socket, &owner);

    if (code == -EBUSY) {
        log_line(LOG_ERR, "another bfe (pid %d) serves %s: stop it, or use --socket", owner,
                 options->socket);
        return BFE_EXIT_RUNNING;
    }
    if (code < 0) {
        log_line(LOG_ERR, "can't lock %s.lock: %s", options->socket, strerror(-code));
        return BFE_EXIT_FAILED;
    }
    return -1;
}

static int remove_enforcement(const struct bfe_options *options)
{
    struct shim_error *error = calloc(1, sizeof(*error));
    int code;

    hold_clear(options->pin_dir);
    code = error ? shim_remove(options->pin_dir, error) : -ENOMEM;

    if (code < 0)
        log_line(LOG_ERR, "can't end enforcement: %s", error ? error->text : "out of memory");
    free(error);
    if (code < 0)
        return BFE_EXIT_KERNEL;
    if (unlink(options->state) < 0 && errno != ENOENT)
        log_line(LOG_WARNING, "can't remove %s: %s", options->state, strerror(errno));
    if (unlink(options->boot_image) < 0 && errno != ENOENT)
        log_line(LOG_WARNING, "can't remove %s: %s", options->boot_image, strerror(errno));
    code = options->forget ? store_file_remove(options->store) : 0;
    if (code)
        log_line(LOG_WARNING, "can't remove %s: %s", options->store, strerror(-code));
    log_line(LOG_NOTICE, "nothing is enforced any more");
    return BFE_EXIT_OK;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *ctx)
{
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int add_signals(sd_event *event)
{
    sigset_t stop;
    int code;

    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGCHLD); /* ends of drivers' processes come through the event loop */
    sigprocmask(SIG_BLOCK, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    code = sd_event_add_signal(event, NULL, SIGTERM, on_stop, NULL);
    if (code >= 0)
        code = sd_event_add_signal(event, NULL, SIGINT, on_stop, NULL);
    if (code >= 0)
        code = sd_event_set_watchdog(event, true);
    return code;
}

static int serve(struct service *service, struct listener *listener)
{
    int code;

    if (listener_open(listener, service->options->socket) < 0)
        return BFE_EXIT_FAILED;
    code = privileges_drop(service->options->no_kernel, service->options->driver_uid != (uid_t)-1);
    if (code >= 0)
        code = server_open(&service->server, service, listener->fd);
    if (code >= 0) {
        drivers_start(&service->drivers);
        sd_notifyf(0, "READY=1\nSTATUS=%s", service->engine.shim ? "enforcing" : "not enforcing");
        log_line(LOG_NOTICE, "serving %s, %s", service->options->socket,
                 service->engine.shim ? service->engine.scope : "enforcing nothing");
        code = sd_event_loop(service->event);
    }
    sd_notify(0, "STOPPING=1");
    if (code >= 0)
        return BFE_EXIT_OK;
    log_line(LOG_ERR, "can't serve: %s", strerror(-code));
    return BFE_EXIT_FAILED;
}

static int run(const struct bfe_options *options, struct listener *listener)
{
    struct service service;
    sd_event *event = NULL;
    int code = BFE_EXIT_FAILED;

    if (sd_event_default(&event) < 0 || add_signals(event) < 0) {
        log_line(LOG_ERR, "can't make an event loop");
        goto out;
    }
    code = service_open(&service, options, event);
    if (code < 0)
        code = serve(&service, listener);
    service_close(&service);
    if (code == BFE_EXIT_OK && options->remove_on_exit && !options->no_kernel)
        code = remove_enforcement(options);
    else if (code == BFE_EXIT_OK && !options->no_kernel)
        log_line(LOG_NOTICE, "stopped; the kernel goes on enforcing (bfe --remove ends that)");
out:
    sd_event_unref(event);
    return code;
}

int main(int argc, char **argv)
{
    struct listener listener = {.fd = -1, .lock = -1};
    struct bfe_options options;
    int code = bfe_options_parse(&options, argc, argv);

    if (code < 0) {
        log_open(options.log);
        set_limits();
        code = lock(&listener, &options);
    }
    if (code < 0)
        code = options.remove ? remove_enforcement(&options) : run(&options, &listener);
    listener_close(&listener);
    bfe_options_free(&options);
    return code;
}
