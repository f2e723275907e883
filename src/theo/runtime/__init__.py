"""The asyncio shell around the core: virtual runs, boot and recovery. Queues stand at the edges; the core is called directly."""
