/*
 * qemu_plugin.h: the few calls of QEMU's TCG plugin interface, version 4 (QEMU 9.2 to 10.0), that
 * insns.c needs. QEMU resolves them when it loads the plugin, so nothing of QEMU is needed to
 * build it. Names and types follow QEMU's documentation, "TCG Plugins".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLUGIN_API_VERSION 4
#define PLUGIN_NO_REGISTERS 0
#define PLUGIN_MEMORY_READ_WRITE 3

struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef void translate_fn(uint64_t id, struct qemu_plugin_tb *tb);
typedef void execute_fn(unsigned vcpu, void *data);
typedef void access_fn(unsigned vcpu, uint32_t info, uint64_t address, void *data);
typedef void exit_fn(uint64_t id, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, translate_fn *fn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *i, execute_fn *fn, int flags,
					    void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *i, access_fn *fn, int flags,
				      int kinds, void *data);
void qemu_plugin_register_atexit_cb(uint64_t id, exit_fn *fn, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *i, void *to, size_t bytes);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *i);
bool qemu_plugin_mem_is_store(uint32_t info);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *i);

__attribute__((visibility("default"))) extern int qemu_plugin_version;
__attribute__((visibility("default"))) int qemu_plugin_install(uint64_t id, const void *info,
							       int argc, char **argv);
