#include "src/wfp/process.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/wfp/arena.h"

struct stat_line {
    char comm[17];
    uint32_t parent;
    uint64_t start; /* clock ticks */
};

/* Field 22 of /proc/PID/stat; the second one is in parentheses and may hold anything. */
static bool read_stat(uint32_t pid, struct stat_line *line)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%u/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[size] = '\0';
    char *begin = strchr(text, '('), *end = strrchr(text, ')');
    unsigned parent;
    unsigned long long start;
    if (begin == NULL || end == NULL || end < begin ||
        sscanf(end + 1,
               " %*c %u %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &parent, &start) != 2)
        return false;
    *end = '\0';
    snprintf(line->comm, sizeof(line->comm), "%.16s", begin + 1);
    line->parent = parent;
    line->start = start;
    return true;
}

static bool still_there(uint32_t pid, const struct stat_line *before)
{
    struct stat_line now;
    return read_stat(pid, &now) && now.start == before->start && now.parent == before->parent;
}

static const char *program_of(struct arena *arena, uint32_t pid)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof(link), "/proc/%u/exe", pid);
    ssize_t length = readlink(link, path, sizeof(path));
    return length <= 0 ? "" : arena_strndup(arena, path, (size_t)length);
}

/* What is read between two looks at a process that is the same both times is its own. */
static struct process *read_process(struct arena *arena, uint32_t pid, const struct stat_line *line)
{
    struct process *process = arena_alloc(arena, sizeof(*process));
    process->pid = pid;
    memcpy(process->comm, line->comm, sizeof(process->comm));
    process->path = program_of(arena, pid);
    return still_there(pid, line) ? process : NULL;
}

static void add_parents(struct arena *arena, struct process *child, struct stat_line line)
{
    for (int depth = 1; depth < PROCESS_CHAIN_MAX && line.parent != 0; depth++) {
        struct stat_line above;
        if (!read_stat(line.parent, &above))
            return;
        struct process *parent = read_process(arena, line.parent, &above);
        if (parent == NULL || !still_there(child->pid, &line))
            return;
        child->parent = parent;
        child = parent;
        line = above;
    }
}

const struct process *process_find(struct arena *arena, uint32_t pid, uint64_t start_time)
{
    uint64_t tick = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
    struct stat_line line;
    if (pid == 0 || !read_stat(pid, &line) || line.start != start_time / tick)
        return NULL;
    struct process *process = read_process(arena, pid, &line);
    if (process != NULL)
        add_parents(arena, process, line);
    return process;
}
