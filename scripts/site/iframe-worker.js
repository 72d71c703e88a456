// Browsers refuse workers to pages that are opened from disk. There, a hidden frame runs the search in place of one.
if (location.protocol === "file:") {
  window.Worker = class {
    constructor(address) {
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      const inside = this.frame.contentWindow;
      inside.document.open();
      inside.document.write("<!doctype html><title>Search</title><body></body>");
      inside.document.close();
      inside.postMessage = (data) => setTimeout(() => this.onmessage && this.onmessage({ data }));
      this.loaded = new Promise((resolve, reject) => {
        const script = inside.document.createElement("script");
        script.src = address;
        script.onload = resolve;
        script.onerror = reject;
        inside.document.body.append(script);
      });
      this.loaded.catch((error) => this.onerror && this.onerror(error));
    }

    postMessage(data) {
      this.loaded.then(() => this.frame.contentWindow.onmessage({ data }), () => {});
    }

    terminate() {
      this.frame.remove();
    }
  };
}
