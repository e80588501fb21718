from types import SimpleNamespace

from mmvtg.engine import ClassNamesHook


class Model:
    def set_classes(self, names):
        self.names = names


def loader(**metainfo):
    return SimpleNamespace(dataset=SimpleNamespace(metainfo=metainfo))


def test_the_model_follows_the_data_set_in_use():
    runner = SimpleNamespace(
        model=Model(),
        train_dataloader=loader(classes=('a',)),
        val_dataloader=loader(classes=('b',)),
        test_dataloader=loader(),
    )
    hook = ClassNamesHook()
    hook.before_train_iter(runner, 0)
    assert runner.model.names == ('a',)
    hook.before_val_epoch(runner)
    assert runner.model.names == ('b',)
    hook.before_train_iter(runner, 1)
    assert runner.model.names == ('a',)
    hook.before_val_epoch(runner)
    hook.before_test_epoch(runner)  # says nothing of classes
    assert runner.model.names == ('b',)
