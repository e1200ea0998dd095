/* wfp: the command line of OpenWFP. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/wfp/arena.h"
#include "src/wfp/cli.h"
#include "src/wfp/json.h"
#include "src/wfp/policy/words.h"

const struct command commands[] = {
    {"apply", "FILE [--persistent | --dynamic] [--json]",
     "make a policy the one in force, in one step", command_apply},
    {"check", "FILE [--explain] [--json]", "read a policy and say what is wrong with it",
     command_check},
    {"show",
     "filters|sublayers|callouts|providers|layers|sessions|flows|events|classifier|hold\n"
     "       [--layer L] [--all] [--json]",
     "list what is there", command_show},
    {"monitor", "[--all | --drops | --flows] [--app PATH] [--layer L] [--count N] [--json]",
     "show blocked and permitted operations as they happen", command_monitor},
    {"explain",
     "LAYER PROTOCOL APP ADDRESS[:PORT] [--user U] [--local ADDRESS[:PORT]] [--flags F,…]\n"
     "       [--policy FILE] [--json]   |   --event ID [--json]",
     "say what would be decided, by which filters, and why", command_explain},
    {"ask", "[--json]", "answer for what hold filters have stopped", command_ask},
    {"add", "RULE… [--first] [--sublayer NAME] [--persistent] [--json]", "add one rule",
     command_add},
    {"delete", "ID|KEY…  |  --policy NAME", "delete filters, or all of a policy", command_delete},
    {"callout", "load NAME OBJECT LAYER… [--persistent]  |  unload NAME  |  list [--json]",
     "callouts that run in the kernel", command_callout},
    {"driver", "load NAME FILE.so  |  unload NAME  |  list [--json]",
     "callout drivers, each in a process of its own", command_driver},
    {"doctor", "[--json]", "say what this kernel can enforce, and what it can't", command_doctor},
    {"version", "[--json]", "print the version", command_version},
    {"help", "[COMMAND]", "this list, or how a command is used", command_help},
    {NULL, NULL, NULL, NULL},
};

static const struct command *command_find(const char *name)
{
    for (const struct command *command = commands; command->name != NULL; command++) {
        if (strcmp(command->name, name) == 0)
            return command;
    }
    return NULL;
}

int command_version(struct cli *cli)
{
    struct json json = {stdout, false};
    if (!cli_arguments(cli, 0, 0))
        return EXIT_USAGE;
    if (!cli->json) {
        printf("wfp %s (OpenWFP)\n", OPENWFP_VERSION);
        return EXIT_DONE;
    }
    json_object(&json, NULL);
    json_text(&json, "version", OPENWFP_VERSION);
    json_object_end(&json);
    json_end(&json);
    return EXIT_DONE;
}

static void print_help(void)
{
    puts("wfp: the Windows Filtering Platform on Linux, at the command line\n");
    for (const struct command *command = commands; command->name != NULL; command++)
        printf("  %-9s  %s\n", command->name, command->summary);
    puts("\n\"wfp help COMMAND\" says how it is used; wfp(1) and openwfp-policy(5) say the rest.");
}

static int unknown_command(const struct cli *cli, const char *name)
{
    struct word words[sizeof(commands) / sizeof(commands[0])] = {{NULL, 0}};
    for (size_t i = 0; commands[i].name != NULL; i++)
        words[i] = (struct word){commands[i].name, 0};
    const char *hint = word_hint(cli->arena, words, name);
    return cli_usage(cli, "there is no command \"%s\"%s%s", name, hint == NULL ? "" : ": ",
                     hint == NULL ? "" : hint);
}

int command_help(struct cli *cli)
{
    if (!cli_arguments(cli, 0, 1))
        return EXIT_USAGE;
    if (cli->argc == 0) {
        print_help();
        return EXIT_DONE;
    }
    const struct command *command = command_find(cli->argv[0]);
    if (command == NULL)
        return unknown_command(cli, cli->argv[0]);
    printf("wfp %s: %s\nusage: wfp %s %s\n", command->name, command->summary, command->name,
           command->usage);
    return EXIT_DONE;
}

static int run(struct cli *cli)
{
    if (cli_flag(cli, "--help") || cli_flag(cli, "-h") || cli->argc == 0) {
        const struct command *command = cli->argc == 0 ? NULL : command_find(cli->argv[0]);
        if (command == NULL)
            print_help();
        else
            printf("usage: wfp %s %s\n", command->name, command->usage);
        return EXIT_DONE;
    }
    if (cli_flag(cli, "--version"))
        return command_version(cli);
    const char *name = cli->argv[0];
    cli->command = command_find(name);
    if (cli->command == NULL)
        return unknown_command(cli, name);
    cli->argc--;
    cli->argv++;
    return cli->command->run(cli);
}

int main(int argc, char **argv)
{
    bool plain = getenv("NO_COLOR") != NULL && *getenv("NO_COLOR") != '\0';
    struct cli cli = {.arena = arena_new(), .argc = argc - 1, .argv = argv + 1};
    cli.json = cli_flag(&cli, "--json");
    cli.colour = !plain && isatty(STDOUT_FILENO);
    cli.error_colour = !plain && isatty(STDERR_FILENO);
    int code = run(&cli);
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_DONE)
        code = cli_fail(&cli, "can't write the output");
    arena_free(cli.arena);
    return code;
}
