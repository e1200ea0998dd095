#include "rules.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char directory[PATH_SIZE];

bool rules_find(const void *function_of_the_driver)
{
    Dl_info self;
    char *end;

    if (!dladdr(function_of_the_driver, &self))
        return false;
    /* The engine opens the file and has it loaded as /proc/self/fd/5. */
    if (strncmp(self.dli_fname, "/proc/", 6) == 0) {
        if (readlink(self.dli_fname, directory, sizeof(directory) - 1) < 0)
            return false;
    } else {
        snprintf(directory, sizeof(directory), "%s", self.dli_fname);
    }
    end = strrchr(directory, '/');
    if (end)
        *end = '\0';
    return end;
}

/* Of the path's UTF-16 units this example knows ASCII only. */
void rules_program(const FWPS_INCOMING_METADATA_VALUES *meta, char program[PATH_SIZE])
{
    const FWP_BYTE_BLOB *path = meta->processPath;

    memset(program, 0, PATH_SIZE);
    if (!FWPS_IS_METADATA_FIELD_PRESENT(meta, FWPS_METADATA_FIELD_PROCESS_PATH))
        return;
    for (unsigned i = 0; i < PATH_SIZE - 1 && i < path->size / sizeof(WCHAR); i++) {
        WCHAR unit = ((const WCHAR *)path->data)[i];

        program[i] = unit < 128 ? (char)unit : '?';
    }
}

static enum verdict verdict_of(const char *word)
{
    return strcmp(word, "permit") == 0  ? PERMIT
           : strcmp(word, "block") == 0 ? BLOCK
           : strcmp(word, "ask") == 0   ? ASK
                                        : UNDECIDED;
}

void rules_read(struct rules *rules, const char *name)
{
    char path[PATH_SIZE + 32], line[PATH_SIZE + 64], word[16];
    FILE *file;

    rules->count = 0;
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "re");
    while (file && rules->count < RULES_MAX && fgets(line, sizeof(line), file)) {
        struct rule *rule = &rules->list[rules->count];

        rule->port = 0;
        if (sscanf(line, "%15s %255s %u", word, rule->program, &rule->port) < 2)
            continue;
        rule->verdict = verdict_of(word);
        rules->count += rule->verdict != UNDECIDED;
    }
    if (file)
        fclose(file);
}

enum verdict rules_decide(const struct rules *rules, const char *program, unsigned port)
{
    for (unsigned i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->list[i];

        if ((strcmp(rule->program, "*") == 0 || strcmp(rule->program, program) == 0) &&
            (!rule->port || rule->port == port))
            return rule->verdict;
    }
    return UNDECIDED;
}
