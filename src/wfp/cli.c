#include "src/wfp/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/wfp/utf8.h"

static void complain(const struct cli *cli, const char *format, va_list args)
{
    char text[2048];
    vsnprintf(text, sizeof(text), format, args);
    fputs(cli->error_colour ? "\033[1mwfp:\033[0m " : "wfp: ", stderr);
    print_clean(stderr, text);
    fputc('\n', stderr);
}

const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

int cli_fail(const struct cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(cli, format, args);
    va_end(args);
    return EXIT_FAILED;
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(cli, format, args);
    va_end(args);
    if (cli->command != NULL)
        fprintf(stderr, "usage: wfp %s %s\n", cli->command->name, cli->command->usage);
    else
        fprintf(stderr, "\"wfp help\" lists the commands\n");
    return EXIT_USAGE;
}

static void take(struct cli *cli, int index, int count)
{
    for (int i = index; i + count <= cli->argc; i++)
        cli->argv[i] = cli->argv[i + count];
    cli->argc -= count;
}

bool cli_flag(struct cli *cli, const char *name)
{
    for (int i = 0; i < cli->argc; i++) {
        if (strcmp(cli->argv[i], name) == 0) {
            take(cli, i, 1);
            return true;
        }
    }
    return false;
}

const char *cli_option(struct cli *cli, const char *name)
{
    size_t length = strlen(name);
    for (int i = 0; i < cli->argc; i++) {
        char *argument = cli->argv[i];
        if (strcmp(argument, name) == 0 && i + 1 < cli->argc) {
            char *value = cli->argv[i + 1];
            take(cli, i, 2);
            return value;
        }
        if (strncmp(argument, name, length) == 0 && argument[length] == '=') {
            take(cli, i, 1);
            return argument + length + 1;
        }
    }
    return NULL;
}

bool cli_arguments(const struct cli *cli, int least, int most)
{
    for (int i = 0; i < cli->argc; i++) {
        if (strncmp(cli->argv[i], "--", 2) == 0) {
            cli_usage(cli, "unknown option, or one without its value: %s", cli->argv[i]);
            return false;
        }
    }
    if (cli->argc < least)
        cli_usage(cli, "something is missing");
    else if (most >= 0 && cli->argc > most)
        cli_usage(cli, "unexpected: %s", cli->argv[most]);
    return cli->argc >= least && (most < 0 || cli->argc <= most);
}
