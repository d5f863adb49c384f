// Dialogs: the keys there are, and the way in.
import { element } from "./dom.js";
import { KEYS } from "./keys.js";

export class Help {
  constructor() {
    const rows = KEYS.flatMap(({ key, what }) => [element("dt", {}, element("kbd", {}, key)), element("dd", {}, what)]);
    const mouse = "Drag to pan, wheel or pinch to zoom, Ctrl+drag for a box, click for the crosshair, double click to fit.";
    this.dialog = element("dialog", { class: "help", "aria-label": "Keys" },
      element("h2", {}, "Keys"), element("p", {}, mouse), element("dl", {}, ...rows),
      element("p", {}, "The address of this page holds all that is set: copy it to share what you see."),
      element("form", { method: "dialog" }, element("button", { autofocus: true }, "Close")));
  }

  show() {
    if (!this.dialog.open) this.dialog.showModal();
  }
}

export class Login {
  /** @param {{key(key), password(provider, user, password)}} take password may throw a Problem */
  constructor(take) {
    this.take = take;
    this.sentence = element("p", { role: "alert" });
    this.field = element("input", { type: "password", id: "api-key", autocomplete: "off", spellcheck: "false" });
    const keyForm = element("form", { onsubmit: (event) => this.sendKey(event) },
      element("label", { for: "api-key" }, "API key"), this.field, element("button", {}, "Open"));
    const hint = element("p", { class: "hint" }, "The command that started the server tells where its key is. It stays in this tab and is sent to this server only.");
    this.providers = element("div");
    this.dialog = element("dialog", { class: "login", "aria-label": "Log in" }, element("h2", {}, "Log in"), this.sentence, this.providers, keyForm, hint);
    this.dialog.addEventListener("cancel", (event) => event.preventDefault());
  }

  /** @param {{provider, mode, links}[]} providers who else may let one in, as the server says */
  show(sentence, providers = []) {
    this.sentence.textContent = sentence;
    this.field.value = "";
    this.providers.replaceChildren(...providers.filter(({ mode }) => mode === "internal").map((one) => this.passwordForm(one)));
    if (!this.dialog.open) this.dialog.showModal();
    this.field.focus();
  }

  passwordForm(provider) {
    const id = `login-${provider.provider}`;
    const user = element("input", { id: `${id}-user`, autocomplete: "username" });
    const password = element("input", { id: `${id}-password`, type: "password", autocomplete: "current-password" });
    const send = async (event) => {
      event.preventDefault();
      try {
        await this.take.password(provider, user.value, password.value);
        this.dialog.close();
      } catch (problem) {
        this.sentence.textContent = problem.message;
      }
    };
    return element("form", { onsubmit: send },
      element("label", { for: user.id }, `User of ${provider.provider}`), user,
      element("label", { for: password.id }, "Password"), password, element("button", {}, "Log in"));
  }

  sendKey(event) {
    event.preventDefault();
    const key = this.field.value.trim();
    if (!key) return;
    this.dialog.close();
    this.take.key(key);
  }
}
