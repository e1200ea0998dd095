#include "src/wfp/ask.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "src/wfp/ask_queue.h"
#include "src/wfp/engine.h"

#define RETRY_MS 500

static volatile sig_atomic_t stop;
static int wake = -1; /* eventfd */

static void on_signal(int number)
{
    uint64_t one = 1;
    stop = 1;
    if (write(wake, &one, sizeof(one)) < 0)
        return; /* it is full: then the loop will look */
}

static void asked(struct ask *ask, const OPENWFP_HELD *held)
{
    struct ask_question *question = ask_find(ask, held->id);
    if (question == NULL)
        question = ask_question_new(ask, held);
    question->held.count = held->count;
    question->held.remaining = held->remaining;
    question->expires = ask_now() + held->remaining;
    ask->front->asked(ask, question);
}

static void ended(struct ask *ask, struct ask_question *question, const OPENWFP_HELD_NOTICE *notice)
{
    ask->front->ended(ask, question, notice);
    ask_question_drop(ask, question);
}

static void all_gone(struct ask *ask)
{
    const OPENWFP_HELD_NOTICE notice = {.change = OPENWFP_HELD_GONE};
    while (ask->questions != NULL)
        ended(ask, ask->questions, &notice);
}

static void hear(struct ask *ask, const OPENWFP_HELD_NOTICE *notice)
{
    struct ask_question *question = ask_find(ask, notice->held.id);
    if (notice->change == OPENWFP_HELD_ASKED)
        asked(ask, &notice->held);
    else if (question != NULL)
        ended(ask, question, notice);
}

/* ---- answers ---- */

static bool answer_one(struct ask *ask, struct ask_question *question,
                       const struct ask_answer *answer)
{
    DWORD code = OpenWfpHeldAnswer0(ask->engine, question->held.id, answer->action);
    question->answered = code == ERROR_SUCCESS || code == FWP_E_NOT_FOUND;
    if (code == ERROR_SUCCESS)
        return true;
    ask->front->complain(ask, question->held.id, OpenWfpLastErrorText());
    return false;
}

bool ask_give(struct ask *ask, struct ask_question *question, const struct ask_answer *answer)
{
    if (ask->engine == NULL) {
        ask->front->complain(ask, question->held.id, "bfe is gone");
        return false;
    }
    const char *why = answer->span == ASK_ONCE ? NULL : ask_rule_add(ask, question, answer);
    if (why != NULL) {
        ask->front->complain(ask, question->held.id, why);
        return false;
    }
    bool good = answer_one(ask, question, answer);
    for (struct ask_question *other = ask->questions; other != NULL; other = other->next) {
        if (!other->answered && answer->span != ASK_ONCE &&
            ask_rule_covers(question, answer, other))
            answer_one(ask, other, answer);
    }
    return good;
}

/* ---- the session ---- */

static void disconnect(struct ask *ask)
{
    if (ask->dynamic != NULL)
        FwpmEngineClose0(ask->dynamic);
    if (ask->engine != NULL)
        FwpmEngineClose0(ask->engine);
    ask->dynamic = ask->engine = NULL;
}

static DWORD subscribe(struct ask *ask)
{
    FWPM_SESSION0 session = {
        .displayData = {.name = (WCHAR[]){u"wfp"}, .description = (WCHAR[]){u"ask"}}};
    HANDLE subscription;
    DWORD code = FwpmEngineOpen0(NULL, RPC_C_AUTHN_DEFAULT, NULL, &session, &ask->engine);
    if (code != ERROR_SUCCESS) {
        ask->engine = NULL;
        return code;
    }
    code = OpenWfpHeldSubscribe0(ask->engine, ask_queue_put, ask->queue, &subscription);
    return code;
}

static void reconnect(struct ask *ask)
{
    if (subscribe(ask) != ERROR_SUCCESS) {
        disconnect(ask);
        return;
    }
    ask->front->connected(ask, true);
    ask_rules_again(ask);
}

static void lose(struct ask *ask)
{
    disconnect(ask);
    all_gone(ask);
    ask->front->connected(ask, false);
}

/* We were too slow to hear all of them. */
static void look_again(struct ask *ask)
{
    OPENWFP_HELD **held = NULL;
    UINT32 count = 0;
    if (OpenWfpHeldEnum0(ask->engine, &held, &count) != ERROR_SUCCESS)
        return;
    all_gone(ask);
    for (UINT32 i = 0; i < count; i++)
        asked(ask, held[i]);
    FwpmFreeMemory0((void **)&held);
}

static void hear_all(struct ask *ask)
{
    uint64_t times;
    if (read(wake, &times, sizeof(times)) < 0)
        return;
    struct ask_notice *notice = ask_queue_take(ask->queue);
    for (; notice != NULL; notice = ask_notice_free(notice)) {
        if (notice->end && ask->engine != NULL)
            lose(ask);
        else if (ask->engine != NULL && notice->notice.lost > 0)
            look_again(ask);
        if (ask->engine != NULL && !notice->end)
            hear(ask, &notice->notice);
    }
}

/* ---- what is typed ---- */

struct input {
    char text[4096];
    size_t length;
    bool too_long;
};

static void take_lines(struct ask *ask, struct input *input)
{
    char *end, *begin = input->text;
    while ((end = memchr(begin, '\n', input->length - (size_t)(begin - input->text))) != NULL) {
        *end = '\0';
        if (input->too_long)
            ask->front->complain(ask, 0, "that line is too long");
        else
            ask->front->line(ask, begin);
        input->too_long = false;
        begin = end + 1;
    }
    input->length -= (size_t)(begin - input->text);
    memmove(input->text, begin, input->length);
    if (input->length == sizeof(input->text)) {
        input->too_long = true;
        input->length = 0;
    }
}

/* False: the end. */
static bool read_input(struct ask *ask, struct input *input)
{
    ssize_t got =
        read(STDIN_FILENO, input->text + input->length, sizeof(input->text) - input->length);
    if (got < 0)
        return errno == EINTR || errno == EAGAIN;
    if (got == 0)
        return false;
    input->length += (size_t)got;
    take_lines(ask, input);
    return true;
}

static int follow(struct ask *ask)
{
    struct input input = {.length = 0};
    while (!stop) {
        struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = wake, .events = POLLIN}};
        if (poll(fds, 2, ask->engine == NULL ? RETRY_MS : -1) < 0 && errno != EINTR)
            return cli_fail(ask->cli, "can't wait: %s", strerror(errno));
        if (ask->engine == NULL)
            reconnect(ask);
        if (fds[1].revents != 0)
            hear_all(ask);
        if (fds[0].revents != 0 && !read_input(ask, &input))
            break;
        if (ferror(stdout))
            return EXIT_FAILED;
    }
    return EXIT_DONE;
}

/* ---- the command ---- */

static bool prepare(struct ask *ask)
{
    struct sigaction action = {.sa_handler = on_signal};
    wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ask->queue = ask_queue_new(wake);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return wake >= 0 && ask->queue != NULL;
}

int command_ask(struct cli *cli)
{
    struct ask ask = {.cli = cli, .front = cli->json ? &ask_json : &ask_terminal};
    if (!cli_arguments(cli, 0, 0))
        return EXIT_USAGE;
    if (!prepare(&ask))
        return cli_fail(cli, "can't begin: %s", strerror(errno));
    DWORD code = subscribe(&ask);
    int result =
        code == ERROR_SUCCESS ? EXIT_DONE : engine_fail(cli, code, "can't ask for what is held");
    if (result == EXIT_DONE) {
        if (cli->json)
            ask.front->connected(&ask, true);
        else
            fputs("waiting for what hold filters ask; Ctrl-C leaves\n", stderr);
        result = follow(&ask);
    }
    disconnect(&ask);
    while (ask.questions != NULL)
        ask_question_drop(&ask, ask.questions);
    ask_queue_free(ask.queue);
    return result;
}
