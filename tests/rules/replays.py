"""Each entry of the table of changed names, replayed: code in the old name, by which old and new are compared; or why that cannot be.

The code's last expression is what is compared, in values and dtypes. `torch`, `nn`, `F`, `np`, `A` (3 × 3) and `V` (3) are there.
An entry that is removed, or that names no replacement, needs neither: there is nothing to run beside anything.
"""

from __future__ import annotations

__all__ = ["CANNOT", "HEAD", "REPLAYS"]

HEAD = """import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
np.random.seed(0)
A, V = torch.randn(3, 3), torch.randn(3)
"""
GRAPH = """from torch_geometric.data import Data, {name}
graph = Data(x=A, edge_index=torch.tensor([[0, 1, 2], [1, 2, 0]]), num_nodes=3)
"""

REPLAYS: dict[str, list[str]] = {
    "torch.qr": ["torch.qr(A, some=False)", "torch.qr(A[:, :2], True)", "torch.qr(A)"],
    "torch.cholesky": ["torch.cholesky(A @ A.T + torch.eye(3), True)", "torch.cholesky(A @ A.T + torch.eye(3))"],
    "torch.chain_matmul": ["torch.chain_matmul(A, A, A)"],
    "torch.lu": ["torch.lu(A)", "torch.lu(A[None], pivot=True)"],
    "torch.lu_solve": ["torch.lu_solve(A, torch.linalg.lu_factor(A)[0], torch.linalg.lu_factor(A)[1])"],
    "torch.triangular_solve": [
        "X, _ = torch.triangular_solve(A, A.triu())\nX",
        "torch.triangular_solve(A, A.tril(), upper=False)[0]",
        "torch.triangular_solve(A, A.triu(), unitriangular=True).solution",
    ],
    "torch.svd": ["U, S, V = torch.svd(A[:, :2])\n(U, S, V)", "_, S, _ = torch.svd(A)\nS"],
    "torch.norm": [
        "torch.norm(A)",
        "torch.norm(A, 1)",
        "torch.norm(A, p=2, dim=1, keepdim=True)",
        "torch.norm(A[None], 3.0, (0, 1))",
        "torch.norm(input=A, p='fro', dim=0)",
    ],
    "torch.backends.cuda.sdp_kernel": [
        (
            "with torch.backends.cuda.sdp_kernel(enable_flash=False, enable_mem_efficient=False):\n"
            "    Y = F.scaled_dot_product_attention(A[None], A[None], A[None])\nY"
        )
    ],
    "torch.ger": ["torch.ger(A[0], A[1])", "torch.ger(input=V, vec2=V)"],
    "torch.nn.functional.upsample": ["F.upsample(A[None, None], scale_factor=2)", "F.upsample(A[None, None], size=5, mode='bilinear')"],
    "torch.nn.functional.upsample_nearest": ["F.upsample_nearest(A[None, None], scale_factor=2)"],
    "torch.nn.functional.upsample_bilinear": ["F.upsample_bilinear(A[None, None], scale_factor=2)"],
    "torch.nn.functional.sigmoid": ["F.sigmoid(A)", "F.sigmoid(A.double())"],
    "torch.nn.functional.tanh": ["F.tanh(A)", "F.tanh(A.half())"],
    "torch.nn.NLLLoss2d": ["nn.NLLLoss2d()(A.log_softmax(1), torch.tensor([0, 1, 2]))"],
    "torch.nn.utils.clip_grad_norm": ["P = nn.Parameter(A)\nP.grad = A * 9\n(nn.utils.clip_grad_norm([P], 1.0), P.grad)"],
    "torch.nn.UpsamplingNearest2d": ["nn.UpsamplingNearest2d(scale_factor=2)(A[None, None])"],
    "torch.nn.UpsamplingBilinear2d": ["nn.UpsamplingBilinear2d(scale_factor=2)(A[None, None])"],
    "torch.utils.data._utils.collate.default_collate": ["torch.utils.data._utils.collate.default_collate([A, A])"],
    "torch.utils.data._utils.collate.default_convert": ["torch.utils.data._utils.collate.default_convert(A.numpy())"],
    "torch.utils._pytree._register_pytree_node": [
        (
            "from torch.utils import _pytree\nclass Pair:\n    pass\n"
            "_pytree._register_pytree_node(Pair, lambda pair: ([A, V], None), lambda parts, _: Pair())\n_pytree.tree_leaves(Pair())"
        )
    ],
    "torch.nn.utils.weight_norm": [
        "layer = nn.utils.weight_norm(nn.Linear(3, 2))\n(layer(A), layer.weight)",
        "nn.utils.weight_norm(nn.Conv1d(3, 4, 2), name='weight', dim=1)(A[None])",
    ],
    "torch.nn.utils.stateless.functional_call": [
        "from torch.nn.utils import stateless\nstateless.functional_call(nn.Linear(3, 3), {'weight': A, 'bias': V}, (A,))"
    ],
    "torch.nn.init.uniform": ["nn.init.uniform(A.clone(), -1, 1)"],
    "torch.nn.init.normal": ["nn.init.normal(A.clone(), std=0.1)"],
    "torch.nn.init.constant": ["nn.init.constant(A.clone(), 0.5)"],
    "torch.nn.init.eye": ["nn.init.eye(A.clone())"],
    "torch.nn.init.dirac": ["nn.init.dirac(torch.zeros(2, 2, 3))"],
    "torch.nn.init.xavier_uniform": ["nn.init.xavier_uniform(A.clone(), gain=2)"],
    "torch.nn.init.xavier_normal": ["nn.init.xavier_normal(A.double())"],
    "torch.nn.init.kaiming_uniform": ["nn.init.kaiming_uniform(A.clone(), nonlinearity='relu')"],
    "torch.nn.init.kaiming_normal": ["nn.init.kaiming_normal(A.clone(), mode='fan_out')"],
    "torch.nn.init.orthogonal": ["nn.init.orthogonal(A.clone())"],
    "torch.nn.init.sparse": ["nn.init.sparse(A.clone(), sparsity=0.3)"],
    "torch.optim.lr_scheduler._LRScheduler": [
        (
            "from torch.optim import SGD, lr_scheduler\nclass Halved(lr_scheduler._LRScheduler):\n    def get_lr(self):\n"
            "        return [0.5 * group['lr'] for group in self.optimizer.param_groups]\n"
            "Halved(SGD([A], lr=0.1)).get_last_lr()"
        )
    ],
    "torch.utils.model_zoo.load_url": [
        (
            "import pathlib, tempfile\nfrom torch.utils import model_zoo\nfolder = pathlib.Path(tempfile.mkdtemp())\n"
            "torch.save(A, folder / 'a.pt')\nmodel_zoo.load_url((folder / 'a.pt').as_uri(), str(folder), progress=False)"
        )
    ],
    "torch.quantization": [
        "from torch.quantization import MinMaxObserver\nobserver = MinMaxObserver()\nobserver(A)\nobserver.calculate_qparams()"
    ],
    "torch.nn.quantized": ["from torch.nn.quantized import FloatFunctional\nFloatFunctional().add(A, V)"],
    "torch.nn.intrinsic": ["from torch.nn.intrinsic import LinearReLU\nLinearReLU(nn.Linear(3, 2), nn.ReLU())(A)"],
    "torch.nn.qat": [
        "from torch.nn.qat import Linear\nfrom torch.ao.quantization import get_default_qat_qconfig\nLinear(3, 2, qconfig=get_default_qat_qconfig())(A)"
    ],
    # Without a card the old context and the new one are both switched off: what they leave of the dtype is compared
    "torch.cuda.amp.autocast": ["with torch.cuda.amp.autocast():\n    product = A @ A\nproduct"],
    "torch.cuda.amp.GradScaler": ["scaler = torch.cuda.amp.GradScaler()\n(scaler.scale(A), scaler.is_enabled())"],
    "torch.cuda.amp.custom_fwd": [
        "class Double(torch.autograd.Function):\n    @staticmethod\n    @torch.cuda.amp.custom_fwd\n    def forward(ctx, x):\n        return x * 2\nDouble.apply(A)",
        (
            "class Double(torch.autograd.Function):\n    @staticmethod\n    @torch.cuda.amp.custom_fwd(cast_inputs=torch.float32)\n"
            "    def forward(ctx, x):\n        return x * 2\nDouble.apply(A)"
        ),
    ],
    "torch.cuda.amp.custom_bwd": [
        (
            "class Double(torch.autograd.Function):\n    @staticmethod\n    @torch.amp.custom_fwd(device_type='cuda')\n    def forward(ctx, x):\n        return x * 2\n\n"
            "    @staticmethod\n    @torch.cuda.amp.custom_bwd\n    def backward(ctx, grad):\n        return grad * 2\nV.requires_grad_()\nDouble.apply(V).sum().backward()\nV.grad"
        )
    ],
    "torch.cpu.amp.autocast": [
        "with torch.cpu.amp.autocast():\n    product = A @ A\nproduct",
        "with torch.cpu.amp.autocast(enabled=False):\n    product = A @ A\nproduct",
    ],
    "torch.get_autocast_gpu_dtype": ["torch.get_autocast_gpu_dtype()"],
    "torch.set_autocast_gpu_dtype": ["torch.set_autocast_gpu_dtype(torch.bfloat16)\ntorch.get_autocast_dtype('cuda')"],
    "torch.get_autocast_cpu_dtype": ["torch.get_autocast_cpu_dtype()"],
    "torch.set_autocast_cpu_dtype": ["torch.set_autocast_cpu_dtype(torch.float16)\ntorch.get_autocast_dtype('cpu')"],
    "torch.is_autocast_cpu_enabled": ["with torch.amp.autocast('cpu'):\n    asked = torch.is_autocast_cpu_enabled()\nasked"],
    "torch.set_autocast_cpu_enabled": [
        "torch.set_autocast_cpu_enabled(True)\nasked = torch.is_autocast_enabled('cpu')\ntorch.set_autocast_enabled('cpu', False)\nasked"
    ],
    "torch.set_default_tensor_type": [
        f"torch.set_default_tensor_type({given})\nmade = torch.ones(2)\ntorch.set_default_dtype(torch.float32)\nmade"
        for given in ("torch.DoubleTensor", "'torch.HalfTensor'", "torch.FloatTensor")
    ],
    "torch.has_cuda": ["torch.has_cuda"],
    "torch.has_mps": ["torch.has_mps"],
    "torch.has_cudnn": ["torch.has_cudnn"],
    "torch.has_mkldnn": ["torch.has_mkldnn"],
    "torch.testing.assert_allclose": ["torch.testing.assert_allclose(A, A + 1e-9)"],
    "torch.cuda.memory_cached": ["torch.cuda.memory_cached()"],
    "torch.cuda.max_memory_cached": ["torch.cuda.max_memory_cached()"],
    "torch.distributed.reduce_op": ["(torch.distributed.reduce_op.SUM, torch.distributed.reduce_op.MAX)"],
    "functorch.vmap": [
        "import functorch\nfunctorch.vmap(torch.dot)(A, A)",
        "from functorch import vmap\nvmap(torch.dot, in_dims=(0, None))(A, V)",
    ],
    "functorch.grad": ["import functorch\nfunctorch.grad(lambda x: (x**3).sum())(A)"],
    "functorch.vjp": ["from functorch import vjp\nvalue, pull = vjp(torch.sin, A)\n(value, *pull(A))"],
    "functorch.jvp": ["from functorch import jvp\njvp(torch.sin, (A,), (A,))"],
    "functorch.jacfwd": ["from functorch import jacfwd\njacfwd(torch.sin)(V)"],
    "functorch.jacrev": ["from functorch import jacrev\njacrev(torch.sin)(V)"],
    "functorch.hessian": ["from functorch import hessian\nhessian(lambda x: (x**3).sum())(V)"],
    "functorch.functionalize": ["from functorch import functionalize\nfunctionalize(lambda x: x.clone().add_(1))(A)"],
    "functorch.make_fx": ["from functorch import make_fx\nmake_fx(torch.sin)(A)(V)"],
    "numpy.row_stack": ["np.row_stack([A.numpy(), V.numpy()])", "np.row_stack([[1, 2], [3, 4]])"],
    "torchvision.transforms.v2.ToTensor": [
        "from torchvision.transforms import v2\npicture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)\nv2.ToTensor()(picture)",
    ],
    "torch_geometric.data.DataLoader": [
        GRAPH.format(name="DataLoader") + "[batch.x for batch in DataLoader([graph] * 3, batch_size=2)]",
    ],
    "torch_geometric.data.DataListLoader": [
        GRAPH.format(name="DataListLoader") + "[one.x for batch in DataListLoader([graph] * 3, batch_size=2) for one in batch]",
    ],
    "torch_geometric.data.DenseDataLoader": [
        GRAPH.format(name="DenseDataLoader") + "[batch.x for batch in DenseDataLoader([graph] * 3, batch_size=2)]",
    ],
    "torch_geometric.data.RandomNodeSampler": [
        GRAPH.format(name="RandomNodeSampler") + "[part.x for part in RandomNodeSampler(graph, num_parts=2)]",
    ],
    "torch_geometric.loader.RandomNodeSampler": [
        (
            "from torch_geometric.data import Data\nfrom torch_geometric.loader import RandomNodeSampler\n"
            "graph = Data(x=A, edge_index=torch.tensor([[0, 1, 2], [1, 2, 0]]), num_nodes=3)\n[part.x for part in RandomNodeSampler(graph, num_parts=2)]"
        )
    ],
    "torch_geometric.transforms.RandomTranslate": [
        "from torch_geometric.data import Data\nfrom torch_geometric.transforms import RandomTranslate\nRandomTranslate(0.1)(Data(pos=A.clone())).pos"
    ],
    "torch_geometric.nn.GlobalAttention": [
        "from torch_geometric.nn import GlobalAttention\nGlobalAttention(nn.Linear(3, 1))(A, torch.tensor([0, 0, 1]))"
    ],
}

CARD = "needs a card"
GROUP = "needs a group of processes"
SPARSE = "needs torch-sparse or pyg-lib, which are built for each release of torch"
CANNOT: dict[str, str] = {
    "torch.library.impl_abstract": "registers an operator, whose name is taken afterwards",
    "torch.nn.parallel.DistributedDataParallelCPU": GROUP,
    "torch.distributed._all_gather_base": GROUP,
    "torch.distributed._reduce_scatter_base": GROUP,
    "torch.cuda.reset_max_memory_allocated": CARD,
    "torch.cuda.reset_max_memory_cached": CARD,
    **{
        f"torch_geometric.data.{name}": SPARSE
        for name in (
            "NeighborSampler", "ClusterData", "ClusterLoader", "ShaDowKHopSampler", "GraphSAINTSampler",
            "GraphSAINTNodeSampler", "GraphSAINTEdgeSampler", "GraphSAINTRandomWalkSampler",
        )
    },
}  # fmt: skip
"""Entries that both run elsewhere, and why they cannot be replayed here."""
