/* wfp ask at a terminal: one question at a time, answered by a line. */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "src/wfp/arena.h"
#include "src/wfp/ask.h"
#include "src/wfp/describe.h"
#include "src/wfp/event.h"
#include "src/wfp/hosts.h"
#include "src/wfp/policy/words.h"
#include "src/wfp/process.h"
#include "src/wfp/utf8.h"

/* The question that is shown. An answer is for it and for no other: when it ends by itself, what
 * was typed for it is thrown away, and what is typed within the next moment, too. */
static struct ask_question *current;
static struct ask_answer unfinished; /* of it, when only the scope is missing */
static bool wants_scope;
static uint64_t deaf_until;

#define DEAF_MS 700

static const char *bold(const struct ask *ask)
{
    return ask->cli->colour ? "\033[1m" : "";
}

static const char *plain(const struct ask *ask)
{
    return ask->cli->colour ? "\033[0m" : "";
}

static const char *action_colour(const struct ask *ask, FWP_ACTION_TYPE action)
{
    if (!ask->cli->colour)
        return "";
    return action == FWP_ACTION_PERMIT ? "\033[32m" : "\033[31m";
}

static void field(const char *name, const char *value)
{
    printf("  %-8s ", name);
    print_clean(stdout, value);
    putchar('\n');
}

/* ---- showing ---- */

static const char *address_and_port(const struct ask_question *question)
{
    bool v6 = strchr(question->address_text, ':') != NULL;
    if (question->port == 0)
        return question->address_text;
    return arena_printf(question->arena, v6 ? "[%s]:%u" : "%s:%u", question->address_text,
                        question->port);
}

static const char *what_it_wants(const struct ask_question *question)
{
    const char *place = address_and_port(question), *protocol = ask_protocol(question);
    switch (question->layer) {
    case RULE_CONNECT:
        return arena_printf(question->arena, "wants to connect to %s, %s", place, protocol);
    case RULE_ACCEPT:
        return arena_printf(question->arena, "is asked for a connection by %s to its port %u, %s",
                            question->address_text, question->port, protocol);
    case RULE_LISTEN:
        return arena_printf(question->arena, "wants to listen at %s", place);
    default:
        return arena_printf(question->arena, "wants to bind %s, %s", place, protocol);
    }
}

static void show_processes(const struct ask_question *question)
{
    struct arena *arena = question->arena;
    const char *title = "process";
    if (question->process == NULL)
        field(title,
              arena_printf(arena, "%u %s (gone)", question->held.processId, question->held.comm));
    for (const struct process *p = question->process; p != NULL; p = p->parent) {
        field(title, arena_printf(arena, "%u %s%s%s", p->pid, p->comm, *p->path == '\0' ? "" : "  ",
                                  p->path));
        title = "  of";
    }
}

static unsigned count_others(const struct ask *ask)
{
    unsigned count = 0;
    for (const struct ask_question *q = ask->questions; q != NULL; q = q->next)
        count += q != current && !q->answered;
    return count;
}

static void show_head(const struct ask *ask, const struct ask_question *question)
{
    printf("\n%s", bold(ask));
    print_clean(stdout, question->held.comm);
    putchar(' ');
    print_clean(stdout, what_it_wants(question));
    fputs(plain(ask), stdout);
    if (question->held.count > 1)
        printf("  (%u times)", question->held.count);
    putchar('\n');
}

static void prompt(const struct ask *ask, const struct ask_question *question)
{
    unsigned others = count_others(ask);
    FWP_ACTION_TYPE action = question->held.defaultAction;
    printf("  %s%s%s in %u s if nobody answers", action_colour(ask, action),
           action == FWP_ACTION_PERMIT ? "permitted" : "blocked", plain(ask),
           ask_seconds_left(question));
    if (others > 0)
        printf("; %u more wait%s", others, others == 1 ? "s" : "");
    fputs("\n  p permit, b block; pp, bb this program while wfp ask runs; pa, ba always; l later\n"
          "> ",
          stdout);
    fflush(stdout);
}

static void show(struct ask *ask, struct ask_question *question)
{
    show_head(ask, question);
    field("program", *question->app == '\0' ? "unknown" : question->app);
    show_processes(question);
    field("user", event_user(question->arena, question->held.uid));
    if (question->host != NULL)
        field("name", arena_printf(question->arena, "%s (in " HOSTS_PATH ")", question->host));
    field("filter",
          arena_printf(question->arena, "%llu: %s", (unsigned long long)question->held.filterId,
                       question->filter_name));
    prompt(ask, question);
}

static void show_next(struct ask *ask)
{
    struct ask_question *next = ask->questions;
    while (next != NULL && next->answered)
        next = next->next;
    wants_scope = false;
    current = next;
    if (next != NULL)
        show(ask, next);
}

static void asked(struct ask *ask, struct ask_question *question)
{
    if (current == NULL)
        show_next(ask);
}

static void ended(struct ask *ask, struct ask_question *question, const OPENWFP_HELD_NOTICE *notice)
{
    bool ours = question->answered, shown = question == current;
    if (shown && !ours) {
        const char *action = notice->action == FWP_ACTION_PERMIT ? "permitted" : "blocked";
        if (notice->change == OPENWFP_HELD_ANSWERED)
            printf("\n(%s: process %u answered first)\n", action, notice->answeredBy);
        else if (notice->change == OPENWFP_HELD_EXPIRED)
            printf("\n(%s: nobody answered in time)\n", action);
        else
            puts("\n(it waits no longer)");
        deaf_until = ask_now() + DEAF_MS;
        if (isatty(STDIN_FILENO))
            tcflush(STDIN_FILENO, TCIFLUSH);
    }
    question->answered = true;
    if (shown)
        show_next(ask);
    fflush(stdout);
}

static void connected(struct ask *ask, bool connected)
{
    puts(connected ? "(bfe is back)" : "\n(bfe is gone; what is held waits until it comes back)");
    fflush(stdout);
}

static void complain(struct ask *ask, uint64_t id, const char *text)
{
    fputs("  ", stdout);
    print_clean(stdout, text);
    putchar('\n');
    fflush(stdout);
}

/* ---- answers ---- */

static void ask_scope(const struct ask_question *question)
{
    printf("  always, for this program and user, at\n"
           "    1 %s   2 %s, any port   3 any address, port %u   4 anything\n"
           "  with u behind it: for every user (1)> ",
           address_and_port(question), question->address_text, question->port);
    fflush(stdout);
}

/* "1", "3u", "": how far `always` goes. */
static bool read_scope(const char *text, struct ask_answer *answer)
{
    static const enum ask_scope scopes[] = {ASK_ADDRESS_PORT, ASK_ADDRESS, ASK_PORT, ASK_ANY};
    answer->scope = ASK_ADDRESS_PORT;
    answer->every_user = false;
    if (*text >= '1' && *text <= '4')
        answer->scope = scopes[*text++ - '1'];
    if (*text == 'u') {
        answer->every_user = true;
        text++;
    }
    return *text == '\0';
}

/* "p", "bb", "pa" or, in one go, "pa3u"; *rest is what follows. */
static bool read_action(const char *text, struct ask_answer *answer, const char **rest)
{
    *answer = (struct ask_answer){.action = *text == 'p' ? FWP_ACTION_PERMIT : FWP_ACTION_BLOCK};
    if (*text != 'p' && *text != 'b')
        return false;
    if (text[1] == text[0])
        answer->span = ASK_PROGRAM;
    else if (text[1] == 'a')
        answer->span = ASK_ALWAYS;
    *rest = text + (answer->span == ASK_ONCE ? 1 : 2);
    return answer->span == ASK_ALWAYS || **rest == '\0';
}

static void give(struct ask *ask, const struct ask_answer *answer)
{
    struct ask_question *question = current;
    bool given = ask_give(ask, question, answer);
    if (given)
        printf("  %s%s%s\n", action_colour(ask, answer->action),
               answer->action == FWP_ACTION_PERMIT ? "permitted" : "blocked", plain(ask));
    if (given && answer->span != ASK_ONCE)
        field("rule", ask_rule_text(question, answer));
    if (question->answered)
        show_next(ask);
    else
        prompt(ask, question);
    fflush(stdout);
}

/* Behind all others that wait. */
static void later(struct ask *ask)
{
    struct ask_question *question = current, **link = &ask->questions;
    while (*link != question)
        link = &(*link)->next;
    *link = question->next;
    while (*link != NULL)
        link = &(*link)->next;
    *link = question;
    question->next = NULL;
    show_next(ask);
}

static void take(struct ask *ask, const char *text)
{
    struct ask_answer answer;
    const char *rest;
    if (wants_scope) {
        wants_scope = read_scope(text, &unfinished) ? false : wants_scope;
        if (wants_scope)
            ask_scope(current);
        else
            give(ask, &unfinished);
    } else if (strcmp(text, "l") == 0) {
        later(ask);
    } else if (!read_action(text, &answer, &rest)) {
        prompt(ask, current);
    } else if (answer.span == ASK_ALWAYS && *rest == '\0') {
        unfinished = answer;
        wants_scope = true;
        ask_scope(current);
    } else if (answer.span == ASK_ALWAYS && !read_scope(rest, &answer)) {
        prompt(ask, current);
    } else {
        give(ask, &answer);
    }
}

static void line(struct ask *ask, const char *text)
{
    char word[8] = "";
    text += strspn(text, " \t");
    if (current == NULL)
        return;
    if (ask_now() < deaf_until) {
        puts("  that may have been for the question before: again, please");
        prompt(ask, current);
        return;
    }
    size_t length = strcspn(text, " \t\r");
    if (length < sizeof(word))
        memcpy(word, text, length);
    else
        strcpy(word, "?");
    take(ask, word);
}

const struct ask_front ask_terminal = {asked, ended, line, connected, complain};
