/* Replays stored inputs through a fuzz target, without a fuzzer: files and the files of folders. */
#include "fuzz.h"
#include "robust.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static int files, unreadable;

static void replay(const char *path) {
    uint8_t *data;
    size_t size;
    if (!robust_load(path, &data, &size)) {
        unreadable++;
        return;
    }
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    files++;
}

static void replay_folder(const char *path) {
    DIR *d = opendir(path);
    if (!d) {
        replay(path);
        return;
    }
    for (const struct dirent *f; (f = readdir(d)) != NULL;) {
        char name[4096];
        if (f->d_name[0] == '.') continue;
        snprintf(name, sizeof name, "%s/%s", path, f->d_name);
        replay(name);
    }
    closedir(d);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) replay_folder(argv[i]);
    printf("%d inputs replayed, %d could not be read\n", files, unreadable);
    return unreadable || files == 0;
}
