/* A bfe of the test's own: in a directory of its own, without the kernel. */
#ifndef TESTS_BFE_PLACE_H
#define TESTS_BFE_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include <openwfp.h>

struct place {
    char directory[64], socket[96], state[96], log[96];
    pid_t bfe;
};

extern struct place place;

/* cmocka fixtures: a directory, and bfe running in it. */
int place_setup(void **state);
int place_teardown(void **state);

void bfe_start(void);
void bfe_kill(void); /* SIGKILL */
int bfe_stop(void);  /* SIGTERM; its exit code */
/* As after a restart of the machine: only the store is left of what an earlier bfe wrote. */
void bfe_reboot(void);
bool bfe_logged(const char *text);

HANDLE engine_open(UINT32 flags);
HANDLE engine_open_waiting(UINT32 flags, UINT32 wait_ms);
/* A filter that blocks TCP connects to the port; its key and id. NULL key: a fresh one. */
DWORD add_filter(HANDLE engine, UINT16 port, UINT32 flags, const GUID *key, UINT64 *id);
bool has_filter(HANDLE engine, const GUID *key);
unsigned count_filters(HANDLE engine);

#define assert_ok(call) assert_int_equal((call), ERROR_SUCCESS)

/* Runs the function in a child as this user; its return value (0…99), or 100 + a signal. */
int run_as(uid_t uid, int (*function)(void *ctx), void *ctx);

/* A connection without the library; reads or writes what it is told. */
int raw_connect(void);
/* Waits until the peer closes; false after five seconds. */
bool raw_closed(int fd);

#endif
