/*
 * What every command shares: its invocation, the exit codes, the table of commands.
 */
#ifndef OPENWFP_WFP_CLI_H
#define OPENWFP_WFP_CLI_H

#include <stdbool.h>
#include <stdint.h>

enum exit_code { /* documented in wfp(1) */
                 EXIT_DONE = 0,
                 EXIT_FAILED = 1,
                 EXIT_USAGE = 2,
                 EXIT_NO_BFE = 3,  /* bfe is not running */
                 EXIT_POLICY = 4,  /* the policy has errors; nothing was applied */
                 EXIT_BLOCKED = 5, /* explain: it would be blocked */
                 EXIT_DENIED = 6,  /* bfe refused: not enough rights */
};

struct arena;
struct command;

struct cli {
    struct arena *arena;
    const struct command *command;
    bool json;
    bool colour;       /* of standard output */
    bool error_colour; /* of standard error */
    int argc;          /* behind the command's name, without --json */
    char **argv;       /* ends with NULL */
};

struct command {
    const char *name; /* NULL ends the table */
    const char *usage;
    const char *summary;
    int (*run)(struct cli *cli);
};

extern const struct command commands[];

/* "" for one, "s" for any other count. */
const char *plural(uint64_t count);

int command_apply(struct cli *cli);
int command_check(struct cli *cli);
int command_show(struct cli *cli);
int command_monitor(struct cli *cli);
int command_ask(struct cli *cli);
int command_explain(struct cli *cli);
int command_add(struct cli *cli);
int command_delete(struct cli *cli);
int command_callout(struct cli *cli);
int command_driver(struct cli *cli);
int command_doctor(struct cli *cli);
int command_version(struct cli *cli);
int command_help(struct cli *cli);

/* "wfp: text" on standard error. Returns EXIT_FAILED. */
int cli_fail(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, then how the command is used. Returns EXIT_USAGE. */
int cli_usage(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Takes the option --NAME out of the arguments: cli_flag whether it was there; cli_option its
 * value (--NAME VALUE or --NAME=VALUE), NULL when it isn't there. Then cli_arguments is true when
 * so many arguments are left (most < 0: any number), else it has reported what is wrong.
 */
bool cli_flag(struct cli *cli, const char *name);
const char *cli_option(struct cli *cli, const char *name);
bool cli_arguments(const struct cli *cli, int least, int most);

#endif
