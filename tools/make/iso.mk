# A hybrid image for BOARD=pc that starts from CD or USB under BIOS and UEFI.

ISO := $(BIN)/fermata.iso
ISO_CMDLINE := $(BIN)/iso-cmdline

ifeq ($(BOARD),pc)
iso: $(ISO)
	@:
else
iso:
	$(error make iso is for BOARD=pc; BOARD=$(BOARD) starts from $(BIN)/kernel.img)
endif

ifneq ($(filter iso %.iso,$(MAKECMDGOALS)),)
$(call remember,$(ISO_CMDLINE),$(CMDLINE))
endif

$(ISO): $(ELF) tools/make/grub.cfg $(ISO_CMDLINE)
	@echo "  ISO     $@"
	@rm -rf $(BIN)/iso && mkdir -p $(BIN)/iso/boot/grub
	@cp $(ELF) $(BIN)/iso/boot/fermata.elf
	@sed 's|@CMDLINE@|$(CMDLINE)|' tools/make/grub.cfg >$(BIN)/iso/boot/grub/grub.cfg
	@grub-mkrescue -o $@ $(BIN)/iso >$(BIN)/iso.log 2>&1 || { cat $(BIN)/iso.log; exit 1; }
