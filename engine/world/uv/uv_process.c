/* Figures of /proc/self (proc(5)) and of getrusage and getrlimit. */
#include "engine/world/uv/uv_process.h"

#include "engine/base/timefmt.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define STAT_BYTES_MAX 1024u
#define STAT_VIRTUAL   20u /* fields after the name, from 0: vsize, rss, starttime */
#define STAT_RESIDENT  21u
#define STAT_STARTED   19u

/* Field `which` behind the name, which may hold anything up to the last parenthesis; -1: none. */
static int64_t stat_field(struct str stat, size_t which)
{
    size_t end = stat.n;
    struct str head, rest;
    int64_t value;
    while (end > 0 && stat.p[end - 1] != ')')
        end--;
    rest = str_trim(str_sub(stat, end, stat.n));
    for (size_t i = 0; i < which; i++)
        if (!str_cut(rest, ' ', &head, &rest))
            return -1;
    (void)str_cut(rest, ' ', &head, &rest);
    return str_to_i64(head, &value) ? value : -1;
}

static void collect_stat(struct metrics_page *p, struct str stat)
{
    int64_t size = stat_field(stat, STAT_VIRTUAL), pages = stat_field(stat, STAT_RESIDENT);
    int64_t ticks = stat_field(stat, STAT_STARTED);
    struct timespec now, up;
    if (size >= 0)
        metrics_page_single(p, METRIC_GAUGE, "process_virtual_memory_bytes", "address space", size);
    if (pages >= 0)
        metrics_page_single(p, METRIC_GAUGE, "process_resident_memory_bytes", "resident memory",
                            pages * sysconf(_SC_PAGESIZE));
    if (ticks < 0 || clock_gettime(CLOCK_REALTIME, &now) || clock_gettime(CLOCK_BOOTTIME, &up))
        return;
    metrics_page_single(p, METRIC_GAUGE, "process_start_time_seconds",
                        "when it was started, since the epoch",
                        now.tv_sec - up.tv_sec + ticks / sysconf(_SC_CLK_TCK));
}

static int64_t count_files(void)
{
    DIR *all = opendir("/proc/self/fd");
    int64_t n = -3; /* ".", ".." and our own */
    if (!all)
        return -1;
    while (readdir(all))
        n++;
    closedir(all);
    return n;
}

static int64_t time_ns(const struct timeval *t)
{
    return t->tv_sec * NS_PER_S + t->tv_usec * NS_PER_US;
}

void uv_process_collect(void *owner, struct metrics_page *p)
{
    char text[STAT_BYTES_MAX];
    struct rusage usage;
    struct rlimit files;
    int64_t open_n = count_files();
    FILE *stat = fopen("/proc/self/stat", "r");
    (void)owner;
    if (stat) {
        collect_stat(p, (struct str){text, fread(text, 1, sizeof text, stat)});
        fclose(stat);
    }
    if (open_n >= 0)
        metrics_page_single(p, METRIC_GAUGE, "process_open_fds", "open file descriptors", open_n);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        metrics_page_single(p, METRIC_GAUGE, "process_max_fds", "as many as there may be",
                            (int64_t)files.rlim_cur);
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        metrics_page_family(p, METRIC_COUNTER, "process_cpu_seconds_total",
                            "time on a processor, in user and system mode");
        metrics_page_seconds(p, str_empty, time_ns(&usage.ru_utime) + time_ns(&usage.ru_stime));
    }
}
