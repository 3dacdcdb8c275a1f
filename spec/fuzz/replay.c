/*
 * replay: a main that runs a fuzz target over the files of a kept corpus, for compilers without libFuzzer.
 * It knows nothing of what it runs. Arguments are files or folders. A target that finds a fault aborts.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Runs one file from a block of exactly its size, so that ASan sees a read past its end. */
static int run_file(const char *path) {
  struct stat info;
  uint8_t *data = NULL;
  int failed = 1;
  FILE *file = fopen(path, "rb");
  if (!file || fstat(fileno(file), &info) != 0) goto out;
  data = malloc((size_t)info.st_size);
  if (!data && info.st_size) goto out;
  if (fread(data, 1, (size_t)info.st_size, file) != (size_t)info.st_size) goto out;
  LLVMFuzzerTestOneInput(data, (size_t)info.st_size);
  failed = 0;
out:
  if (failed) fprintf(stderr, "cannot read %s\n", path);
  if (file) fclose(file);
  free(data);
  return failed;
}

static int run_path(const char *path, int *count) {
  char child[4096];
  struct dirent *entry;
  int failed = 0;
  DIR *folder = opendir(path);
  if (!folder) return (*count)++, run_file(path);
  while ((entry = readdir(folder))) {
    if (entry->d_name[0] == '.') continue;
    snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
    failed += run_path(child, count);
  }
  closedir(folder);
  return failed;
}

int main(int argc, char **argv) {
  int failed = 0, count = 0;
  for (int i = 1; i < argc; i++) failed += run_path(argv[i], &count);
  printf("%d passed, %d failed\n", count - failed, failed);
  return failed || !count;
}
