/* Cores and caches of this machine: /proc/cpuinfo and the affinity mask for cores, CPUID for caches (sysconf elsewhere).
 *
 * What cannot be found out is 0, except that there is always at least one core and one CPU. */
#include "cpu.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#define CPUS_MAX CPU_SETSIZE

/* One logical CPU while /proc/cpuinfo is read. */
struct reader {
    cpu_set_t allowed;
    long cpu, package, core;
    long seen[CPUS_MAX]; /* package << 32 | core of the physical cores counted so far */
    int cores, cpus;
};

static void count_cpu(struct reader *r) {
    if (r->cpu < 0 || r->cpu >= CPUS_MAX || !CPU_ISSET((size_t)r->cpu, &r->allowed)) return;
    r->cpus++;
    long id = (r->package << 32) | r->core;
    if (r->core < 0) id = -r->cpu - 1; /* the file names no cores: each CPU counts as one */
    for (int i = 0; i < r->cores; i++)
        if (r->seen[i] == id) return;
    r->seen[r->cores++] = id;
}

static const char *field(const char *line, const char *name) {
    size_t n = strlen(name);
    if (strncmp(line, name, n) != 0) return NULL;
    const char *colon = line + n + strspn(line + n, " \t");
    return *colon == ':' ? colon + 1 + strspn(colon + 1, " \t") : NULL;
}

static void read_line(struct reader *r, w_topology *t, char *line) {
    const char *v;
    line[strcspn(line, "\n")] = 0;
    if ((v = field(line, "processor"))) {
        count_cpu(r);
        r->cpu = strtol(v, NULL, 10);
        r->package = 0;
        r->core = -1;
    } else if ((v = field(line, "physical id"))) {
        r->package = strtol(v, NULL, 10);
    } else if ((v = field(line, "core id"))) {
        r->core = strtol(v, NULL, 10);
    } else if ((v = field(line, "model name")) && !t->model[0]) {
        snprintf(t->model, sizeof t->model, "%s", v);
    }
}

static void read_cores(w_topology *t) {
    struct reader r = {.cpu = -1};
    if (sched_getaffinity(0, sizeof r.allowed, &r.allowed) != 0) memset(&r.allowed, 0xff, sizeof r.allowed);
    FILE *f = fopen("/proc/cpuinfo", "re");
    char line[4096];
    while (f && fgets(line, sizeof line, f)) read_line(&r, t, line);
    if (f) fclose(f);
    count_cpu(&r);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    t->cpus = r.cpus ? r.cpus : W_MAX((int)online, 1);
    t->cores = r.cores ? r.cores : t->cpus;
}

/* A container may own fewer cores than it sees: quota and period of its control group, in microseconds. */
static void apply_quota(w_topology *t) {
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
    long quota = 0, period = 0;
    bool limited = f && fscanf(f, "%ld %ld", &quota, &period) == 2 && quota > 0 && period > 0;
    if (f) fclose(f);
    if (!limited) return;
    long cores = W_MAX((quota + period - 1) / period, 1);
    t->cores = W_MIN((long)t->cores, cores);
}

#if defined(__x86_64__) || defined(__i386__)
static void note_cache(w_topology *t, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
    size_t size = (size_t)((b >> 22) + 1) * ((b >> 12 & 0x3ff) + 1) * ((b & 0xfff) + 1) * ((size_t)c + 1);
    uint32_t level = a >> 5 & 7;
    if (level == 1) t->l1d = size;
    if (level == 2) t->l2 = size;
    if (level < 2) return;
    t->llc = size;
    t->llc_victim = !(d >> 1 & 1);
}

static bool read_caches(w_topology *t, uint32_t leaf) {
    uint32_t a, b, c, d;
    for (uint32_t i = 0; i < 16; i++) {
        if (!__get_cpuid_count(leaf, i, &a, &b, &c, &d) || (a & 31) == 0) break;
        if ((a & 31) != 2) note_cache(t, a, b, c, d); /* 2: instructions only */
    }
    return t->l1d != 0;
}

static void read_all_caches(w_topology *t) {
    if (!read_caches(t, 4)) read_caches(t, 0x8000001d);
}
#else
static void read_all_caches(w_topology *t) {
    long l1 = sysconf(_SC_LEVEL1_DCACHE_SIZE), l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
    long l3 = sysconf(_SC_LEVEL3_CACHE_SIZE);
    t->l1d = (size_t)W_MAX(l1, 0);
    t->l2 = (size_t)W_MAX(l2, 0);
    t->llc = l3 > 0 ? (size_t)l3 : t->l2;
}
#endif

void w_topology_read(w_topology *t) {
    *t = (w_topology){0};
    read_cores(t);
    apply_quota(t);
    read_all_caches(t);
}
