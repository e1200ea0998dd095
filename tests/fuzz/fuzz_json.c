/* The input is what another front end writes to `wfp ask --json`: one line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/wfp/arena.h"
#include "src/wfp/json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct json_member *member)
{
    size_t length = strlen(member->key) + (member->kind == JSON_TEXT ? strlen(member->text) : 0);

    if (length == SIZE_MAX || (member->kind == JSON_BOOL && member->number > 1))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    char *text = malloc(size + 1);
    const struct json_member *members;

    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    if (json_read(arena, text, &members))
        for (const struct json_member *member = members; member; member = member->next)
            look(member);
    free(text);
    arena_free(arena);
    return 0;
}
