#include "loader.h"
#include "base/panic.h"
#include "base/string.h"

struct loader loader;

static void add_region(u64 base, u64 bytes, u32 type)
{
	if (loader.regions < LOADER_REGIONS_MAX && bytes && base + bytes > base)
		loader.region[loader.regions++] = (struct region){base, bytes, type};
}

struct pvh_start_info {
	u32 magic, version, flags, modules;
	u64 module_list, cmdline, rsdp;
	/* version 1 and later */
	u64 memory_map;
	u32 memory_map_entries, reserved;
};

struct pvh_region {
	u64 base, bytes;
	u32 type, reserved;
};

static void read_pvh(const struct pvh_start_info *info)
{
	const struct pvh_region *r = (const struct pvh_region *)(uptr)info->memory_map;

	if (info->magic != BOOT_PVH || info->version < 1)
		panic("pvh: version %u of the start information has no memory map", info->version);
	loader.name = "pvh";
	loader.rsdp = info->rsdp;
	if (info->cmdline)
		(void)strlcpy(loader.cmdline, (const char *)(uptr)info->cmdline,
			      sizeof(loader.cmdline));
	for (u32 i = 0; i < info->memory_map_entries; i++)
		add_region(r[i].base, r[i].bytes, r[i].type);
}

struct multiboot_tag {
	u32 type, bytes;
};

struct multiboot_memory_map {
	struct multiboot_tag tag;
	u32 entry_bytes, entry_version;
};

struct multiboot_region {
	u64 base, bytes;
	u32 type, reserved;
};

static void read_memory_map(const struct multiboot_memory_map *map)
{
	for (u32 at = sizeof(*map); map->entry_bytes >= sizeof(struct multiboot_region) &&
				    at + map->entry_bytes <= map->tag.bytes;
	     at += map->entry_bytes) {
		const struct multiboot_region *r = (const void *)((uptr)map + at);

		add_region(r->base, r->bytes, r->type);
	}
}

static void read_tag(const struct multiboot_tag *tag)
{
	enum { CMDLINE = 1, MEMORY_MAP = 6, RSDP_1 = 14, RSDP_2 = 15 };
	struct acpi_root root;

	switch (tag->type) {
	case CMDLINE:
		(void)strlcpy(loader.cmdline, (const char *)(tag + 1), sizeof(loader.cmdline));
		break;
	case MEMORY_MAP:
		read_memory_map((const struct multiboot_memory_map *)tag);
		break;
	case RSDP_1:
	case RSDP_2: /* the better one wins in either order */
		if (acpi_parse_rsdp(tag + 1, tag->bytes - sizeof(*tag), &root) == 0 &&
		    !loader.acpi_root.wide)
			loader.acpi_root = root;
		break;
	}
}

static void read_multiboot2(const struct multiboot_tag *info)
{
	u32 total = info->type; /* the fixed part: total size, reserved */

	loader.name = "multiboot2";
	for (u32 at = sizeof(*info); at + sizeof(struct multiboot_tag) <= total;) {
		const struct multiboot_tag *tag = (const void *)((uptr)info + at);

		if (tag->type == 0 || tag->bytes < sizeof(*tag) || tag->bytes > total - at)
			break;
		read_tag(tag);
		at += ALIGN_UP(tag->bytes, 8u);
	}
}

void loader_read(const struct boot_info *boot)
{
	const void *info = (const void *)(uptr)boot->address;

	switch (boot->loader) {
	case BOOT_PVH:
		read_pvh(info);
		break;
	case BOOT_MULTIBOOT2:
		read_multiboot2(info);
		break;
	default:
		panic("unknown boot loader, magic %x", boot->loader);
	}
	if (!loader.regions)
		panic("%s: no memory map", loader.name);
}

bool loader_readable(u64 base, u64 bytes)
{
	if (base + bytes < base || base + bytes > boot_mapped_bytes)
		return false;
	for (unsigned i = 0; i < loader.regions; i++) {
		const struct region *r = &loader.region[i];

		if (base >= r->base && base + bytes <= r->base + r->bytes)
			return true;
	}
	return false;
}
