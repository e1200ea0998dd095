/*
 * test_host HOST SMALL TRAP_ALL: the process of a driver, and the example driver in it, with a
 * test's own engine at the other ends.
 */
#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "classify/abi.h"
#include "rig.h"
#include "tests/fwpuclnt/fake.h"

static const char *host_path, *small_path, *trap_path;
static struct fake fake;
static int door;
static pthread_t porter;
static pid_t pid;
static char directory[64], trap_copy[128];

static struct {
    _Atomic bool ready;
    NTSTATUS status;
    _Atomic unsigned registered, unregistered, filters, commits;
} seen;

/* ---- the engine ---- */

static bool answer(struct fake *with, const Rpc__Request *request, Rpc__Reply *reply)
{
    static Rpc__Added added;

    rpc__added__init(&added);
    switch (request->call_case) {
    case RPC__REQUEST__CALL_DRIVER_CALLOUT_REGISTER:
        added.id = 101 + seen.registered++;
        break;
    case RPC__REQUEST__CALL_ADD:
        seen.filters += request->add->object_case == RPC__ADD__OBJECT_FILTER;
        break;
    case RPC__REQUEST__CALL_DRIVER_CALLOUT_UNREGISTER:
        seen.unregistered++;
        return true;
    case RPC__REQUEST__CALL_DRIVER_READY:
        seen.status = (NTSTATUS)request->driver_ready->status;
        seen.ready = true;
        return true;
    case RPC__REQUEST__CALL_TXN_COMMIT:
        seen.commits++;
        return true;
    case RPC__REQUEST__CALL_TXN_BEGIN:
        return true;
    default:
        return false;
    }
    reply->result_case = RPC__REPLY__RESULT_ADDED;
    reply->added = &added;
    return true;
}

/* Takes in what comes through the door. */
static void *keep_door(void *nothing)
{
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec part = {&byte, 1};

    for (;;) {
        struct msghdr message = {.msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control,
                                 .msg_controllen = sizeof(control)};
        struct cmsghdr *header;
        int fd;

        if (recvmsg(door, &message, MSG_CMSG_CLOEXEC) != 1)
            return NULL;
        header = CMSG_FIRSTHDR(&message);
        memcpy(&fd, CMSG_DATA(header), sizeof(fd));
        fake_adopt(&fake, fd);
    }
}

/* As bfe does. driver NULL: the example, as an open file. */
static void run(int host_door, int host_channel, const char *user, const char *name,
                const char *driver)
{
    int file = driver ? -1 : open(trap_copy, O_RDONLY);

    dup2(host_door, 10);
    dup2(host_channel, 11);
    dup2(file, 12);
    dup2(10, 3);
    dup2(11, 4);
    dup2(12, 5);
    if (!driver)
        driver = "/proc/self/fd/5";
    if (user)
        execl(host_path, host_path, "--user", user, name, driver, NULL);
    else
        execl(host_path, host_path, name, driver, NULL);
    _exit(99);
}

static void start(const char *user, const char *name, const char *driver)
{
    int doors[2], channels[2];

    memset(&fake, 0, sizeof(fake));
    memset(&seen, 0, sizeof(seen));
    fake.answer = answer;
    fake_start(&fake);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, doors), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channels), 0);
    door = doors[0];
    rig_channel = channels[0];
    pid = fork();
    if (pid == 0)
        run(doors[1], channels[1], user, name, driver);
    close(doors[1]);
    close(channels[1]);
    assert_int_equal(pthread_create(&porter, NULL, keep_door, NULL), 0);
}

/* Its exit status. */
static int end(void)
{
    int status = 0;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    pthread_join(porter, NULL);
    close(door);
    close(rig_channel);
    fake_stop(&fake);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* ---- files ---- */

static void make_directory(void)
{
    strcpy(directory, "/tmp/fwpkclnt-test-XXXXXX");
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chmod(directory, 0755), 0);
}

/* To where everybody can read it. */
static void copy_driver(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
    struct stat size;

    assert_true(in >= 0 && out >= 0 && fstat(in, &size) == 0);
    assert_int_equal(sendfile(out, in, NULL, (size_t)size.st_size), size.st_size);
    close(in);
    close(out);
}

/* ---- the host ---- */

static void test_a_driver_is_loaded_asked_and_unloaded(void **state)
{
    struct driver_classify question;

    start(NULL, "small", small_path);
    rig_wait(&seen.ready);
    assert_int_equal(seen.status, STATUS_SUCCESS);
    rig_id = 101;
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    rig_ask(&question);
    assert_int_equal(rig_answer(1).action, FWP_ACTION_PERMIT);
    kill(pid, SIGTERM);
    assert_int_equal(end(), 0);
    assert_int_equal(seen.unregistered, 1);
}

static void test_a_driver_whose_entry_fails(void **state)
{
    start(NULL, "failing", small_path);
    assert_int_equal(end(), 4);
    assert_true(seen.ready);
    assert_int_equal(seen.status, STATUS_DEVICE_CONFIGURATION_ERROR);
}

static void test_a_driver_that_is_none(void **state)
{
    start(NULL, "small", "/nonexistent/driver.so");
    assert_int_equal(end(), 3);
    assert_false(seen.ready);
}

static void test_the_engines_end_is_the_drivers(void **state)
{
    start(NULL, "small", small_path);
    rig_wait(&seen.ready);
    shutdown(rig_channel, SHUT_RDWR);
    assert_int_equal(end(), 0);
}

/* The line of /proc/PID/status that begins so. */
static void process_status(const char *name, char *line, size_t size)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    file = fopen(path, "re");
    assert_non_null(file);
    do
        assert_non_null(fgets(line, (int)size, file));
    while (strncmp(line, name, strlen(name)) != 0);
    fclose(file);
}

static void test_it_has_no_privileges(void **state)
{
    const struct passwd *nobody = getpwnam("nobody");
    const char *user = geteuid() == 0 ? "nobody" : NULL;
    char line[128], expected[64], driver[96];

    make_directory();
    snprintf(driver, sizeof(driver), "%s/small.so", directory);
    copy_driver(small_path, driver);
    start(user, "small", driver);
    rig_wait(&seen.ready);
    process_status("NoNewPrivs:", line, sizeof(line));
    assert_string_equal(line, "NoNewPrivs:\t1\n");
    process_status("CapEff:", line, sizeof(line));
    assert_string_equal(line, "CapEff:\t0000000000000000\n");
    process_status("CapPrm:", line, sizeof(line));
    assert_string_equal(line, "CapPrm:\t0000000000000000\n");
    if (user && nobody) {
        snprintf(expected, sizeof(expected), "Uid:\t%u\t%u\t%u\t%u\n", nobody->pw_uid,
                 nobody->pw_uid, nobody->pw_uid, nobody->pw_uid);
        process_status("Uid:", line, sizeof(line));
        assert_string_equal(line, expected);
    }
    unlink(driver);
    rmdir(directory);
    kill(pid, SIGTERM);
    assert_int_equal(end(), 0);
}

/* ---- the example ---- */

static void write_file(const char *name, const char *text)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void remove_file(const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    unlink(path);
}

static void start_trap(void)
{
    make_directory();
    snprintf(trap_copy, sizeof(trap_copy), "%s/trap_all.so", directory);
    copy_driver(trap_path, trap_copy);
    write_file("trap_all.rules", "block * 23\nask /usr/bin/curl\npermit /usr/bin/ssh 22\n");
    start(NULL, "trap_all", NULL);
    rig_wait(&seen.ready);
    assert_int_equal(seen.status, STATUS_SUCCESS);
    assert_int_equal(seen.registered, 4);
    assert_int_equal(seen.filters, 4);
    assert_int_equal(seen.commits, 1);
    rig_id = 101;
}

static void stop_trap(void)
{
    kill(pid, SIGTERM);
    assert_int_equal(end(), 0);
    assert_int_equal(seen.unregistered, 4);
    remove_file("trap_all.so");
    remove_file("trap_all.rules");
    remove_file("trap_all.answers");
    rmdir(directory);
}

static void test_s1_trap_all_decides_by_its_rules(void **state)
{
    struct driver_classify question;

    start_trap();
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    strcpy(question.app, "/usr/bin/wget");
    rig_ask(&question);
    assert_int_equal(rig_answer(1).action, FWP_ACTION_PERMIT);
    rig_set(&question, CLASSIFY_REMOTE_PORT, 23);
    rig_ask(&question);
    assert_int_equal(rig_answer(1).action, FWP_ACTION_BLOCK);
    question = rig_question(FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4, 2);
    rig_set(&question, CLASSIFY_LOCAL_PORT, 23);
    rig_ask(&question);
    assert_int_equal(rig_answer(2).action, FWP_ACTION_BLOCK);
    stop_trap();
}

static void test_s8_trap_all_asks_and_completes(void **state)
{
    struct driver_classify question;

    start_trap();
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    rig_ask(&question);
    assert_int_equal(rig_answer(1).pended, 1);
    write_file("trap_all.answers", "permit /usr/bin/curl\n");
    assert_int_equal(rig_complete(1).action, 0);
    rig_again(&question);
    rig_ask(&question);
    assert_int_equal(rig_answer(1).action, FWP_ACTION_PERMIT);
    rig_decided(1, true);
    stop_trap();
}

static void test_s8_trap_all_admits_by_reinjection(void **state)
{
    static uint8_t bytes[DRIVER_PACKET_MAX];
    struct driver_classify question;
    uint8_t datagram[64];
    uint32_t size = rig_datagram(datagram, "first");

    start_trap();
    write_file("trap_all.answers", "permit /usr/bin/curl\n");
    question = rig_question(FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4, 1);
    question.ask.key.protocol = 17;
    rig_ask_packet(&question, datagram, size);
    assert_int_equal(rig_answer(1).pended, 1);
    assert_int_equal(rig_complete(1).action, 0);
    assert_int_equal(rig_packet(1, bytes), size);
    assert_memory_equal(bytes, datagram, size);
    question.flags |= DRIVER_INJECTED;
    rig_ask_packet(&question, datagram, size);
    assert_int_equal(rig_answer(1).action, FWP_ACTION_PERMIT);
    rig_decided(1, true);
    stop_trap();
}

/* What is still asked about when the driver goes is refused. */
static void test_s8_trap_all_unloads_while_it_holds(void **state)
{
    struct driver_classify question;

    start_trap();
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    rig_ask(&question);
    assert_int_equal(rig_answer(1).pended, 1);
    kill(pid, SIGTERM);
    assert_int_equal(rig_complete(1).action, 0);
    rig_again(&question);
    rig_ask(&question);
    assert_int_equal(rig_answer(1).action, FWP_ACTION_BLOCK);
    stop_trap();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_driver_is_loaded_asked_and_unloaded),
        cmocka_unit_test(test_a_driver_whose_entry_fails),
        cmocka_unit_test(test_a_driver_that_is_none),
        cmocka_unit_test(test_the_engines_end_is_the_drivers),
        cmocka_unit_test(test_it_has_no_privileges),
        cmocka_unit_test(test_s1_trap_all_decides_by_its_rules),
        cmocka_unit_test(test_s8_trap_all_asks_and_completes),
        cmocka_unit_test(test_s8_trap_all_admits_by_reinjection),
        cmocka_unit_test(test_s8_trap_all_unloads_while_it_holds),
    };

    if (argc != 4)
        return 1;
    host_path = argv[1];
    small_path = argv[2];
    trap_path = argv[3];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
