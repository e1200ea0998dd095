#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fwpkclnt/runtime.h"

struct runtime runtime = {.lock = PTHREAD_MUTEX_INITIALIZER,
                          .changed = PTHREAD_COND_INITIALIZER,
                          .ready = PTHREAD_COND_INITIALIZER,
                          .channel = -1,
                          .epoll = -1,
                          .hangup = -1,
                          .ready_last = &runtime.ready_first};

static void end_threads(void)
{
    runtime_lock();
    runtime.stopping = true;
    shutdown(runtime.channel, SHUT_RDWR);
    eventfd_write(runtime.hangup, 1);
    pthread_cond_broadcast(&runtime.ready);
    runtime_changed();
    runtime_unlock();
    for (unsigned i = 0; i < runtime.thread_count; i++)
        pthread_join(runtime.threads[i], NULL);
    runtime.thread_count = 0;
}

static int start_threads(void)
{
    int error = 0;

    while (runtime.thread_count < RUNTIME_THREADS && !error) {
        error = pthread_create(&runtime.threads[runtime.thread_count], NULL, operation_run, NULL);
        runtime.thread_count += !error;
    }
    return error;
}

EXPORT bool OpenWfpCalloutsStart(int channel, const struct driver_host *host)
{
    sigset_t all, old;
    int error;

    runtime.host = *host;
    runtime.closed = runtime.stopping = false;
    runtime.state = host->engine_runs ? FWPM_SERVICE_RUNNING : FWPM_SERVICE_START_PENDING;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    error = channel_open(channel);
    if (!error)
        error = start_threads();
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!error)
        return true;
    end_threads();
    runtime.channel = -1; /* stays the caller's */
    channel_close();
    errno = error;
    return false;
}

EXPORT void OpenWfpCalloutsStop(void)
{
    callout_unregister_all();
    end_threads();
    operation_drop_all();
    channel_close();
}
