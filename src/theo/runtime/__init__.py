"""The asyncio shell around the core: live, virtual, boot and recovery. Queues stand at the edges only; the core is called directly."""
