/* The life of callout drivers. */
#include "driver.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "fwpkclnt/protocol.h"
#include "log.h"
#include "model/guid.h"
#include "service.h"

#define START_SECONDS  60u /* its first filter may load programs of the engine's */
#define UNLOAD_SECONDS 10u
#define TOLD_MS        1000 /* so long they have to end by themselves */
#define CLOSE_MS       3000
#define STEP_MS        10
/* A driver that crashed is started once more, if it was not just started. */
#define PROVEN_US      UINT64_C(10000000)
#define FORGIVEN_US    UINT64_C(3600000000)
#define STATUS_LOADS   0u

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void set_state(struct driver *driver, OPENWFP_DRIVER_STATE state)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    driver->since = event_filetime((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
    driver->state = state;
}

/* ---- the list ---- */

struct driver *drivers_find(const struct drivers *drivers, const char *name)
{
    struct driver *driver = drivers->first;

    while (driver && strcmp(driver->name, name) != 0)
        driver = driver->next;
    return driver;
}

struct driver *drivers_find_key(const struct drivers *drivers, const GUID *key)
{
    struct driver *driver = drivers->first;

    while (driver && !guid_equal(&driver->key, key))
        driver = driver->next;
    return driver;
}

static void free_driver(struct driver *driver)
{
    free(driver->name);
    free(driver->path);
    free(driver);
}

static struct driver *add_driver(struct drivers *drivers, const char *name, const char *path)
{
    struct driver *driver = calloc(1, sizeof(*driver)), **last = &drivers->first;

    if (!driver)
        return NULL;
    driver->drivers = drivers;
    driver->name = strdup(name);
    driver->path = strdup(path);
    if (!driver->name || !driver->path ||
        getrandom(&driver->key, sizeof(driver->key), 0) != sizeof(driver->key)) {
        free_driver(driver);
        return NULL;
    }
    set_state(driver, OPENWFP_DRIVER_FAILED);
    while (*last)
        last = &(*last)->next;
    *last = driver;
    return driver;
}

static void remove_driver(struct driver *driver)
{
    struct driver **link = &driver->drivers->first;

    while (*link != driver)
        link = &(*link)->next;
    *link = driver->next;
    free_driver(driver);
}

static void remember(struct driver *driver, bool remembered)
{
    if (!remembered && !driver->remembered)
        return;
    driver->remembered = remembered;
    store_note_driver(&driver->drivers->service->store, &driver->key);
}

/* Those of the last run are all up, or have failed. */
static void consider_restored(struct drivers *drivers)
{
    for (const struct driver *driver = drivers->first; driver; driver = driver->next)
        if (driver->state == OPENWFP_DRIVER_STARTING)
            return;
    engine_hosts_restored(&drivers->service->engine);
}

/* ---- answers ---- */

static uint32_t error_of_status(uint32_t status)
{
    /* The facility of filtering errors, as HRESULTs and as NTSTATUSes. */
    return status >> 16 == 0xc022 ? 0x80320000u | (status & 0xffff) : ERROR_GEN_FAILURE;
}

static void answer(struct driver *driver, uint32_t code)
{
    struct client *client = driver->waiting;

    driver->waiting = NULL;
    if (!client)
        return;
    if (code != ERROR_SUCCESS)
        client_error(client, code, "driver %s: %s", driver->name, driver->reason);
    client_answer(client, code);
}

void drivers_forget_client(struct drivers *drivers, const struct client *client)
{
    for (struct driver *driver = drivers->first; driver; driver = driver->next)
        if (driver->waiting == client)
            driver->waiting = NULL;
}

/* ---- the process ---- */

static void tell_state(struct driver *driver, FWPM_SERVICE_STATE state)
{
    const struct driver_state message = {.header = {.kind = DRIVER_STATE, .size = sizeof(message)},
                                         .state = state};

    engine_host_tell(&driver->host, &message, sizeof(message));
}

static void release(struct driver *driver)
{
    struct service *service = driver->drivers->service;

    driver->pid = 0;
    driver->child = sd_event_source_disable_unref(driver->child);
    driver_hang_up(driver);
    server_doom_driver(&service->server, driver);
    engine_host_close(&service->engine, &driver->host);
}

/* With what it has said last. */
static void explain(struct driver *driver, const char *how)
{
    driver_read(driver);
    snprintf(driver->reason, sizeof(driver->reason), "%s%s%.140s", how,
             driver->last_line[0] ? ": " : "", driver->last_line);
}

static void say_how_it_ended(struct driver *driver, const siginfo_t *info)
{
    char how[96];

    if (driver->reason[0])
        return;
    if (info->si_code != CLD_EXITED)
        snprintf(how, sizeof(how), "killed by signal %d (%s)", info->si_status,
                 strsignal(info->si_status));
    else
        snprintf(how, sizeof(how), "ended with exit code %d", info->si_status);
    explain(driver, how);
}

static int start(struct driver *driver);

static bool may_restart(const struct driver *driver)
{
    uint64_t now = now_us();

    return now - driver->started_us > PROVEN_US &&
           (!driver->restarted_us || now - driver->restarted_us > FORGIVEN_US);
}

static void on_crash(struct driver *driver)
{
    bool again = may_restart(driver);

    log_line(
        LOG_ERR,
        "driver %s: %s; its callouts are unregistered, their filters do what their flags say%s",
        driver->name, driver->reason,
        again ? "; it is started once more" : " (wfp driver load starts it again)");
    set_state(driver, OPENWFP_DRIVER_FAILED);
    if (!again)
        return;
    driver->restarts++;
    driver->restarted_us = now_us();
    if (start(driver) < 0)
        log_line(LOG_ERR, "driver %s was not loaded: %s", driver->name, driver->reason);
}

static void on_start_failed(struct driver *driver, uint32_t code)
{
    log_line(LOG_ERR, "driver %s was not loaded: %s", driver->name, driver->reason);
    set_state(driver, OPENWFP_DRIVER_FAILED);
    answer(driver, code);
    if (!driver->remembered)
        remove_driver(driver);
}

static void on_unloaded(struct driver *driver)
{
    if (driver->reason[0])
        log_line(LOG_WARNING, "driver %s: %s; it is unloaded", driver->name, driver->reason);
    else
        log_line(LOG_NOTICE, "driver %s is unloaded", driver->name);
    remember(driver, false);
    answer(driver, ERROR_SUCCESS);
    remove_driver(driver);
}

static int on_exit_of_host(sd_event_source *source, const siginfo_t *info, void *ctx)
{
    struct driver *driver = ctx;
    struct drivers *drivers = driver->drivers;
    OPENWFP_DRIVER_STATE state = driver->state;

    driver_read(driver);
    release(driver);
    if (state == OPENWFP_DRIVER_UNLOADING) {
        on_unloaded(driver);
    } else {
        say_how_it_ended(driver, info);
        if (state == OPENWFP_DRIVER_STARTING)
            on_start_failed(driver, error_of_status(driver->status));
        else
            on_crash(driver);
    }
    consider_restored(drivers);
    service_settle(drivers->service);
    return 0;
}

/* 0 or a negative errno, with the reason; then nothing of it is left. */
static int start(struct driver *driver)
{
    struct service *service = driver->drivers->service;
    int code;

    driver->reason[0] = driver->last_line[0] = '\0';
    driver->line_used = 0;
    driver->parted = false;
    driver->status = STATUS_LOADS;
    driver->started_us = now_us();
    code = driver_spawn(driver);
    if (code < 0) {
        set_state(driver, OPENWFP_DRIVER_FAILED);
        return code;
    }
    set_state(driver, OPENWFP_DRIVER_STARTING);
    driver_set_deadline(driver, START_SECONDS, "DriverEntry did not return in 60 seconds");
    code = sd_event_add_child(service->event, &driver->child, driver->pid, WEXITED, on_exit_of_host,
                              driver);
    /* What it has said before it ended is heard first. */
    if (code >= 0)
        code = sd_event_source_set_priority(driver->child, SD_EVENT_PRIORITY_IDLE / 2);
    if (code >= 0)
        code = driver_listen(driver);
    if (code >= 0)
        return 0;
    snprintf(driver->reason, sizeof(driver->reason), "no event source: %s", strerror(-code));
    driver_kill(driver, NULL);
    waitpid(driver->pid, NULL, 0);
    release(driver);
    set_state(driver, OPENWFP_DRIVER_FAILED);
    return code;
}

/* ---- what is asked for ---- */

static uint32_t take_over(struct client *client, const char *name, const char *path,
                          struct driver **found)
{
    struct drivers *drivers = &client->service->drivers;
    struct driver *driver = drivers_find(drivers, name);
    unsigned count = 0;
    char *fresh;

    *found = driver;
    if (driver && driver->pid)
        return client_error(client, FWP_E_ALREADY_EXISTS,
                            "driver %s is loaded already; unload it first", name);
    for (const struct driver *each = drivers->first; each; each = each->next)
        count++;
    if (!driver && count >= DRIVERS_MAX)
        return client_error(client, FWP_E_TOO_MANY_CALLOUTS, "%u drivers are loaded, the most",
                            count);
    if (!driver)
        return (*found = add_driver(drivers, name, path)) ? ERROR_SUCCESS
                                                          : client_no_memory(client);
    fresh = strdup(path);
    if (!fresh)
        return client_no_memory(client);
    free(driver->path);
    driver->path = fresh;
    return ERROR_SUCCESS;
}

uint32_t driver_load(struct client *client, const char *name, const char *path)
{
    struct driver *driver;
    uint32_t code = take_over(client, name, path, &driver);

    if (code != ERROR_SUCCESS)
        return code;
    driver->restarts = 0;
    driver->restarted_us = 0;
    if (start(driver) == 0) {
        driver->waiting = client;
        return CLIENT_WAITS;
    }
    code = client_error(client, ERROR_INVALID_PARAMETER, "%s", driver->reason);
    if (!driver->remembered)
        remove_driver(driver);
    return code;
}

uint32_t driver_unload(struct client *client, const char *name)
{
    struct driver *driver = drivers_find(&client->service->drivers, name);

    if (!driver)
        return client_error(client, FWP_E_NOT_FOUND, "no driver %s is loaded", name);
    if (driver->waiting)
        return client_error(client, ERROR_BUSY,
                            "driver %s is being loaded or unloaded by somebody else", name);
    if (!driver->pid) {
        remember(driver, false);
        remove_driver(driver);
        return ERROR_SUCCESS;
    }
    driver->reason[0] = '\0';
    set_state(driver, OPENWFP_DRIVER_UNLOADING);
    driver_set_deadline(driver, UNLOAD_SECONDS,
                        "DriverUnload did not return in 10 seconds, the process was killed");
    kill(driver->pid, SIGTERM);
    driver->waiting = client;
    return CLIENT_WAITS;
}

uint32_t driver_ready(struct client *client, uint32_t status)
{
    struct driver *driver = client->driver;
    char how[64];

    if (driver->state != OPENWFP_DRIVER_STARTING)
        return client_error(client, ERROR_INVALID_PARAMETER, "DriverEntry has returned before");
    driver->status = status;
    if ((int32_t)status < 0) {
        snprintf(how, sizeof(how), "DriverEntry returned 0x%08x", status);
        explain(driver, how);
        driver_set_deadline(driver, UNLOAD_SECONDS, NULL);
        return ERROR_SUCCESS;
    }
    if (!driver->parted)
        driver_set_deadline(driver, 0, NULL);
    set_state(driver, OPENWFP_DRIVER_RUNNING);
    remember(driver, true);
    log_line(LOG_NOTICE, "driver %s is loaded from %s, pid %d", driver->name, driver->path,
             driver->pid);
    answer(driver, ERROR_SUCCESS);
    consider_restored(driver->drivers);
    return ERROR_SUCCESS;
}

/* ---- with the service ---- */

struct driver *drivers_add_known(struct drivers *drivers, const GUID *key, const char *name,
                                 const char *path)
{
    struct driver *driver = add_driver(drivers, name, path);

    if (!driver) {
        log_line(LOG_ERR, "driver %s did not come back: out of memory", name);
        return NULL;
    }
    driver->key = *key;
    driver->remembered = true;
    return driver;
}

void driver_start_known(struct driver *driver)
{
    if (start(driver) < 0)
        log_line(LOG_ERR, "driver %s was not loaded: %s", driver->name, driver->reason);
}

void drivers_start(struct drivers *drivers)
{
    drivers->running = true;
    for (struct driver *driver = drivers->first; driver; driver = driver->next)
        if (driver->pid)
            tell_state(driver, FWPM_SERVICE_RUNNING);
    consider_restored(drivers);
}

static bool ended(struct driver *driver)
{
    if (driver->pid && waitpid(driver->pid, NULL, WNOHANG) == driver->pid)
        driver->pid = 0;
    return !driver->pid;
}

static bool all_ended(struct drivers *drivers)
{
    bool all = true;

    for (struct driver *driver = drivers->first; driver; driver = driver->next)
        all = ended(driver) && all;
    return all;
}

static void signal_all(const struct drivers *drivers, int number)
{
    for (const struct driver *driver = drivers->first; driver; driver = driver->next)
        if (driver->pid)
            kill(driver->pid, number);
}

/* Its callouts stay as they are in the model: they are waited for when we come back. */
static void end(struct drivers *drivers, struct driver *driver)
{
    if (driver->pid) {
        driver_kill(driver, NULL);
        waitpid(driver->pid, NULL, 0);
    }
    if (driver->door_io)
        driver_hang_up(driver);
    engine_host_detach(&drivers->service->engine, &driver->host);
    remove_driver(driver);
}

void drivers_close(struct drivers *drivers)
{
    for (struct driver *driver = drivers->first; driver; driver = driver->next) {
        driver->child = sd_event_source_disable_unref(driver->child);
        if (driver->pid)
            tell_state(driver, FWPM_SERVICE_STOP_PENDING);
    }
    for (int waited = 0; !all_ended(drivers) && waited < CLOSE_MS; waited += STEP_MS) {
        if (waited == TOLD_MS)
            signal_all(drivers, SIGTERM);
        usleep(STEP_MS * 1000);
    }
    while (drivers->first)
        end(drivers, drivers->first);
}
